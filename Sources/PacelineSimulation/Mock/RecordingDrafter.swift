import PacelineCluster
package import PacelineSpeculation

/// How much work a worker's drafters have done.
final class DraftEffort {
    /// Batched steps of drafters with a model.
    var modelSteps = 0
}

/// Records in the ledger what another drafter proposes, and checks that the bases it gets are the request's own.
struct RecordingDrafter: Drafter {
    private var drafter: any Drafter
    private let ledger: ProposalLedger
    private let effort: DraftEffort
    private let isTagged: Bool
    private var base = BaseHash()
    private var seed: UInt64 = 0
    /// Whether the base holds tokens of the prompt alone so far.
    private var isInPrompt = true

    init(_ drafter: any Drafter, ledger: ProposalLedger, effort: DraftEffort, isTagged: Bool) {
        self.drafter = drafter
        self.isTagged = isTagged
        self.ledger = ledger
        self.effort = effort
    }

    var isModelFree: Bool { drafter.isModelFree }
    var isReady: Bool { drafter.isReady }

    mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        seed = sampling.seed
        self.base = BaseHash()
        isInPrompt = true
        follow(base)
        checkBase()
        try drafter.begin(base: base, sampling: sampling)
    }

    mutating func take(_ features: FeatureBlock) { drafter.take(features) }

    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        if !drafter.isModelFree { effort.modelSteps += 1 }
        let proposals = try drafter.expand(tree, at: nodes, width: width)
        for (node, candidates) in zip(nodes, proposals) {
            var prefix = base
            prefix.append(tree.tokens(onPathTo: node))
            for candidate in candidates {
                ledger.record(seed: seed, prefix: prefix, token: candidate.token)
            }
        }
        return proposals
    }

    mutating func advance(_ rerooting: Rerooting) throws {
        follow(rerooting.committed)
        checkBase()
        try drafter.advance(rerooting)
    }

    /// Whoever drafts does so for a text that the request has had.
    private func checkBase() {
        if !ledger.isBase(seed: seed, base) { ledger.strayBases += 1 }
    }

    private mutating func follow(_ committed: [Token]) {
        guard isTagged else { return base.append(committed) }
        let prompt = isInPrompt ? committed.prefix { $0 < MockText.alphabet } : []
        base.append(prompt)
        let text = committed.dropFirst(prompt.count)
        isInPrompt = isInPrompt && text.isEmpty
        ledger.foreignTokens += MockText.foreignTokens(in: text, seed: seed, prefix: &base)
    }
}

/// Makes the drafters of a simulated worker.
package final class MockDrafterSource: DrafterSource {
    private let kind: DrafterKind
    private let ledger: ProposalLedger
    private let effort: DraftEffort
    private let isTagged: Bool
    private var random: SplitMix

    /// Drafters for tests without a ledger.
    package convenience init(_ kind: DrafterKind, seed: UInt64 = 1) {
        self.init(kind, ledger: ProposalLedger(), effort: DraftEffort(), isTagged: false, seed: seed)
    }

    init(_ kind: DrafterKind, ledger: ProposalLedger, effort: DraftEffort, isTagged: Bool, seed: UInt64) {
        self.kind = kind
        self.isTagged = isTagged
        self.ledger = ledger
        self.effort = effort
        random = SplitMix(seed: seed)
    }

    package func makeDrafters() -> [any Drafter] {
        let drafter: any Drafter =
            switch kind {
            case .model(let agreement): MockDrafter(agreement: agreement, claim: agreement, isTagged: isTagged)
            case .head(let agreement, let demand):
                MockHead(
                    MockDrafter(agreement: agreement, claim: agreement, isTagged: isTagged),
                    taps: demand.taps,
                    ledger: ledger
                )
            case .liar: MockDrafter(agreement: 0, claim: 0.99, isTagged: isTagged)
            case .failing(let agreement):
                MockDrafter(
                    agreement: agreement,
                    claim: agreement,
                    isTagged: isTagged,
                    stepsLeft: random.next(below: 30)
                )
            case .ngram: NGramDrafter()
            case .random: RandomDrafter(seed: random.next())
            }
        return [RecordingDrafter(drafter, ledger: ledger, effort: effort, isTagged: isTagged)]
    }
}
