import Foundation
import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("EAGLE heads, forwards", .computing)
struct EagleForwardTests {
    @Test(
        "a run in step k guesses what a plainly written head drafts k tokens after the target's last feature",
        arguments: [RotaryEmbedding.Pairing.halves, .neighbours]
    )
    func drafting(_ pairing: RotaryEmbedding.Pairing) throws {
        var tiny = TinyHeads(seed: 11)
        let head: EagleHead<Double> = try tiny.eagle { $0.layer = TinyHeads.layer(pairing, hasAttentionBias: true) }
        let sequences: [TrainingSequence<Double>] = [tiny.sequence(3), tiny.sequence(8)]
        let parameters = tiny.parameters(of: head)
        let plain = PlainEagle(head: head, parameters: parameters)
        let batch = head.batch(sequences, LossConditions(batchCount: 2))
        for step in 0..<4 {
            let guesses = head.run(batch, steps: step + 1, parameters: parameters).guesses
            for (sequence, segment) in zip(sequences, batch.rows.segments) {
                let features = rows(of: sequence.features)
                for row in segment.indices.dropFirst(step) {
                    let position = row - segment.lowerBound
                    let expected = plain.draft(
                        sequence.tokens,
                        features,
                        from: position - step,
                        through: position
                    )
                    #expect(distance(rows(of: guesses)[row], expected) < 1e-12, "step \(step), row \(position)")
                }
            }
        }
    }

    @Test("the losses are those of a plainly written head")
    func losses() throws {
        var tiny = TinyHeads(seed: 12)
        let head: EagleHead<Double> = try tiny.eagle()
        let sequences: [TrainingSequence<Double>] = [tiny.sequence(6), tiny.sequence(9)]
        let parameters = tiny.parameters(of: head)
        let plain = PlainEagle(head: head, parameters: parameters)
        let losses = head.losses(sequences, LossConditions(batchCount: 2, steps: 3), parameters: parameters)
        var total = 0.0
        for step in 0..<3 {
            let shares = sequences.map { share(of: $0, step: step, plain) }
            let feature = shares.reduce(0) { $0 + $1.feature } / 2
            let token = shares.reduce(0) { $0 + $1.token } / 2
            #expect((losses.parts[step].feature - feature).magnitude < 1e-12)
            #expect((losses.parts[step].token - token).magnitude < 1e-12)
            total += pow(0.7, Double(step)) * (0.9 * feature + token)
        }
        #expect((losses.total - total).magnitude < 1e-12)
    }

    /// A sequence's mean losses in a step.
    private func share(
        of sequence: TrainingSequence<Double>,
        step: Int,
        _ plain: PlainEagle
    ) -> (feature: Double, token: Double) {
        let features = rows(of: sequence.features)
        var (feature, token, count) = (0.0, 0.0, 0.0)
        for row in step..<sequence.count - 1 where !sequence.top[row + 1].isEmpty {
            let guess = plain.draft(sequence.tokens, features, from: row - step, through: row)
            count += 1
            for (value, wanted) in zip(guess, features[row + 1]) {
                let u = abs(value - wanted) / 0.6
                feature += (u < 1 ? u * u / 2 : u - 0.5) / Double(guess.count)
            }
            token += crossEntropy(plain.law(guess), sequence.top[row + 1], plain.head.frozen.vocabulary)
        }
        return (feature / count, token / count)
    }

    private func crossEntropy(_ law: [Double], _ top: [TopToken], _ vocabulary: DraftVocabulary) -> Double {
        guard vocabulary.targetTokens.contains(top[0].token) else { return 0 }
        let known = top.filter { vocabulary.targetTokens.contains($0.token) }
        let mass = known.reduce(0) { $0 + exp(Double($1.logProbability)) }
        return known.reduce(0) { sum, entry in
            let probability = exp(Double(entry.logProbability))
            let draft = vocabulary.targetTokens.firstIndex(of: entry.token)!
            return sum - (0.6 * probability / mass + 0.3 * probability) * log(law[draft])
        }
    }

    private func rows(of matrix: Matrix<Double>) -> [[Double]] {
        (0..<matrix.rows).map { row in (0..<matrix.columns).map { matrix[row, $0] } }
    }

    private func distance(_ a: [Double], _ b: [Double]) -> Double {
        zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
    }
}
