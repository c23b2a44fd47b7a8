import PacelineCluster
import PacelineSpeculation

/// Enters in the ledger what another drafter proposes.
struct RecordingDrafter: Drafter {
    private var drafter: any Drafter
    private let ledger: ProposalLedger
    private var base = BaseHash()
    private var seed: UInt64 = 0

    init(_ drafter: any Drafter, ledger: ProposalLedger) {
        self.drafter = drafter
        self.ledger = ledger
    }

    var isModelFree: Bool { drafter.isModelFree }

    mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        self.base = BaseHash(base)
        seed = sampling.seed
        try drafter.begin(base: base, sampling: sampling)
    }

    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
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
    private var random: SplitMix

    init(_ kind: DrafterKind, ledger: ProposalLedger, seed: UInt64) {
        self.kind = kind
        self.ledger = ledger
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
        return [RecordingDrafter(drafter, ledger: ledger)]
    }
}
