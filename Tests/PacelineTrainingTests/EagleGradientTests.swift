import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("Gradients of EAGLE heads", .computing)
struct EagleGradientTests {
    /// The kinds of cells.
    enum Kind: CaseIterable {
        case paceline, eagle1, qwen
    }

    private func head(_ kind: Kind, _ tiny: inout TinyHeads) throws -> EagleHead<Double> {
        try tiny.eagle { shape in
            switch kind {
            case .paceline:
                break
            case .eagle1:
                shape.layer = TinyHeads.layer(.neighbours)
                shape.hasFusionBias = true
                (shape.normsEmbedding, shape.normsFeature) = (false, false)
                (shape.normsLayerInput, shape.normsOutput) = (false, false)
            case .qwen:
                shape.layer = TinyHeads.layer(hasAttentionBias: true)
            }
        }
    }

    @Test("equal differences for every tensor, with up to three self-fed runs", arguments: Kind.allCases, [1, 2, 4])
    func differences(kind: Kind, runs: Int) throws {
        var tiny = TinyHeads(seed: 7)
        let head = try head(kind, &tiny)
        let sequences: [TrainingSequence<Double>] = [tiny.sequence(7), tiny.sequence(4), tiny.sequence(2)]
        let conditions = LossConditions(batchCount: 3, noise: 0.1, noiseSeed: 4)
        let batch = head.batch(sequences, conditions)
        let parameters = tiny.parameters(of: head)
        let run = head.run(batch, steps: runs, parameters: parameters)
        var gradient = [Double](repeating: 0, count: head.layout.count)
        head.backward(run, batch, parameters: parameters, addingTo: &gradient)
        // What a run feeds to the next counts as constant.
        GradientCheck.expectAll(head.layout, gradient, of: parameters) {
            head.run(batch, steps: runs, parameters: $0, fed: run.fed).losses.total
        }
    }

    @Test("of parts of a batch add up to that of the whole")
    func parts() throws {
        var tiny = TinyHeads(seed: 8)
        let head: EagleHead<Double> = try tiny.eagle()
        let sequences: [TrainingSequence<Double>] = [tiny.sequence(6), tiny.sequence(5), tiny.sequence(9)]
        let parameters = tiny.parameters(of: head)
        let conditions = LossConditions(batchCount: 3, steps: 3)
        var whole = [Double](repeating: 0, count: head.layout.count)
        let losses = head.losses(sequences, conditions, parameters: parameters, addingGradientTo: &whole)
        var (sum, sumOfLosses) = ([Double](repeating: 0, count: head.layout.count), HeadLosses())
        for part in [sequences[..<1], sequences[1...]] {
            sumOfLosses.add(head.losses(Array(part), conditions, parameters: parameters, addingGradientTo: &sum))
        }
        #expect(zip(whole, sum).allSatisfy { ($0 - $1).magnitude < 1e-14 })
        #expect((losses.total - sumOfLosses.total).magnitude < 1e-14)
        #expect(losses.parts.count == sumOfLosses.parts.count)
        #expect(head.losses(sequences, conditions, parameters: parameters) == losses)
    }
}
