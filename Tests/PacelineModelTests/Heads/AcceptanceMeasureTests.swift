import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("Measuring what drafts are worth", .computing)
struct AcceptanceMeasureTests {
    /// A text, and a network for it. The text says what the network drafts, except where `surprises` has its place.
    private func text(surprises: Set<Int>) throws -> (EagleNetwork, TrainingSequence<Float>) {
        let network = try SmallHead(seed: 21).network(compute: try Compute(threads: 1))
        var numbers = SplitMix(seed: 22)
        var sequence = numbers.sequence(30)
        // From the third token on, each is what the head drafts behind those before it, one committed token at a time;
        // deeper drafts may differ, so rounds are replayed below with the same features.
        var tokens = sequence.tokens
        for place in 3..<30 {
            sequence = TrainingSequence(tokens: tokens, features: sequence.features, top: sequence.top)
            var draft = EagleDraft(network)
            draft.commit(sequence, rows: 0..<place - 1)
            let best = Int(try draft.tree(.chain(1))[0].token)
            // Token 1 is not in the draft vocabulary.
            tokens[place] = surprises.contains(place) ? 1 : best
        }
        return (network, TrainingSequence(tokens: tokens, features: sequence.features, top: sequence.top))
    }

    @Test("chains of one are accepted wherever the text says what the head drafts, and nowhere else")
    func chainsOfOne() throws {
        let surprises: Set = [7, 8, 15, 20]
        let (network, sequence) = try text(surprises: surprises)
        var measure = AcceptanceMeasure(.chain(1))
        try measure.add(sequence, EagleDraft(network))
        // The first round drafts place 3. A round whose draft was accepted moves by two places.
        var (known, rounds, accepted) = (2, 0, 0)
        while known + 2 < 30 {
            let isAccepted = !surprises.contains(known + 1)
            (rounds, accepted) = (rounds + 1, accepted + (isAccepted ? 1 : 0))
            known += isAccepted ? 2 : 1
        }
        #expect(measure.rounds == rounds)
        #expect(measure.accepted == [accepted])
        #expect(measure.length == 1 + Double(accepted) / Double(rounds))
    }

    @Test("a text of tokens that cannot be drafted is worth one token a round, and every place is a round")
    func nothing() throws {
        let (network, text) = try text(surprises: [])
        let sequence = TrainingSequence(
            tokens: text.tokens.map { _ in 1 },
            features: text.features,
            top: text.top
        )
        var measure = AcceptanceMeasure(.chain(4))
        try measure.add(sequence, EagleDraft(network))
        #expect(measure.length == 1)
        #expect(measure.rounds == 30 - 5 - 2)
        #expect(measure.conditional == [0, 0, 0, 0])
    }

    @Test("trees are worth at least as much as their best chains, and never more than all places")
    func trees() throws {
        let (network, sequence) = try text(surprises: [9])
        var (chains, trees) = (AcceptanceMeasure(.chain(4)), AcceptanceMeasure(.init(nodes: 60, depth: 4, width: 4)))
        try chains.add(sequence, EagleDraft(network), rounds: 1)
        try trees.add(sequence, EagleDraft(network), rounds: 1)
        #expect(trees.accepted[0] >= chains.accepted[0])
        #expect(trees.rounds == 1 && chains.rounds == 1)
        #expect(trees.length >= chains.length && trees.length <= 5)
    }

    @Test("a limit of rounds is divided among texts, and a text without an answer has none")
    func limits() throws {
        let (network, sequence) = try text(surprises: [])
        var measure = AcceptanceMeasure(.chain(2))
        let bare = TrainingSequence(
            tokens: sequence.tokens,
            features: sequence.features,
            top: sequence.tokens.map { _ in [] }
        )
        try measure.add([sequence, bare, sequence], EagleDraft(network), rounds: 6)
        #expect(measure.rounds == 4)
    }
}
