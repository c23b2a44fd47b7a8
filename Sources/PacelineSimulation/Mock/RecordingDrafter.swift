import PacelineCluster
import PacelineSpeculation

/// How much a worker's drafters have had to do.
final class DraftEffort {
    /// Batched steps of drafters with a model.
    var modelSteps = 0
}

/// Enters in the ledger what another drafter proposes.
struct RecordingDrafter: Drafter {
    private var drafter: any Drafter
    private let ledger: ProposalLedger
    private let effort: DraftEffort
    private var base = BaseHash()
    private var seed: UInt64 = 0

    init(_ drafter: any Drafter, ledger: ProposalLedger, effort: DraftEffort) {
        self.drafter = drafter
        self.ledger = ledger
        self.effort = effort
    }

    var isModelFree: Bool { drafter.isModelFree }

    mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        self.base = BaseHash(base)
        seed = sampling.seed
        try drafter.begin(base: base, sampling: sampling)
    }

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
        base.append(rerooting.committed)
        try drafter.advance(rerooting)
    }
}

/// Makes the drafters of a simulated worker.
final class MockDrafterSource: DrafterSource {
    private let kind: DrafterKind
    private let ledger: ProposalLedger
    private let effort: DraftEffort
    private var random: SplitMix

    init(_ kind: DrafterKind, ledger: ProposalLedger, effort: DraftEffort, seed: UInt64) {
        self.kind = kind
        self.ledger = ledger
        self.effort = effort
        random = SplitMix(seed: seed)
    }

    func makeDrafters() -> [any Drafter] {
        let drafter: any Drafter =
            switch kind {
            case .model(let agreement): MockDrafter(agreement: agreement, claim: agreement)
            case .liar: MockDrafter(agreement: 0, claim: 0.99)
            case .failing(let agreement):
                MockDrafter(
                    agreement: agreement,
                    claim: agreement,
                    stepsLeft: random.next(below: 30)
                )
            case .ngram: NGramDrafter()
            case .random: RandomDrafter(seed: random.next())
            }
        return [RecordingDrafter(drafter, ledger: ledger, effort: effort)]
    }
}
