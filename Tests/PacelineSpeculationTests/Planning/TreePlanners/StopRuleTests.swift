import PacelineSpeculation
import Testing

@Suite("Stop rules of chains")
struct StopRuleTests {
    /// A chain with given probabilities, and what is left of each place's probability beside it.
    private static func chain(_ probabilities: [Double], rest: [Double] = []) throws -> TokenTree {
        var tree = TokenTree()
        var parent: NodeIndex?
        for (place, probability) in probabilities.enumerated() {
            let node = TokenTree.Node(parent: parent, token: 0, logProbability: Float(Double.logarithm(probability)))
            let next = try tree.append(node)
            for (rank, share) in rest.enumerated() where share * (1 - probability) > 0 {
                let other = Float(Double.logarithm(share * (1 - probability)))
                try tree.append(.init(parent: parent, token: Token(place * 9 + rank + 1), logProbability: other))
            }
            parent = next
        }
        return tree
    }

    @Test("SpecDec++ stops after the token that makes a rejection likelier than the risk, within its lengths")
    func confidence() throws {
        let tree = try Self.chain([0.9, 0.9, 0.8, 0.95, 0.9])
        func length(_ planner: ConfidenceStopPlanner) -> Int { planner.selection(of: tree, nodes: 99).count }
        // The products are 0.9, 0.81, 0.648, 0.6156 and 0.554.
        #expect(length(ConfidenceStopPlanner(lengths: 1...20, risk: 0.05)) == 1)
        #expect(length(ConfidenceStopPlanner(lengths: 1...20, risk: 0.15)) == 2)
        #expect(length(ConfidenceStopPlanner(lengths: 1...20, risk: 0.36)) == 4)
        #expect(length(ConfidenceStopPlanner(lengths: 1...20, risk: 1)) == 5)
        #expect(length(ConfidenceStopPlanner(lengths: 3...20, risk: 0.05)) == 3)
        #expect(length(ConfidenceStopPlanner(lengths: 1...2, risk: 1)) == 2)
    }

    @Test("AdaEDL stops before the first token whose distribution is too even")
    func entropy() throws {
        let tree = try Self.chain([0.98, 0.9, 0.5, 0.99], rest: [0.5, 0.5])
        func length(_ threshold: Double) -> Int {
            EntropyStopPlanner(threshold: threshold).selection(of: tree, nodes: 99).count
        }
        #expect(length(0) == 4 && length(1) == 0)
        let lengths = [0.0, 0.3, 0.5, 0.65, 0.8, 0.9, 1].map(length)
        #expect(lengths == lengths.sorted(by: >) && Set(lengths).isSuperset(of: [0, 1, 2, 4]))
    }

    @Test("drafting itself stops where the rule says, so that no step is wasted")
    func steps() throws {
        for text in ["specdec++:risk=0.5,shortest=1", "adaedl:threshold=0.5,length=12", "chain:length=3"] {
            let planner = try PlannerSettings(text)
            for seed in 0..<20 as Range<UInt64> {
                let tree = try SequenceDraft.drafted(
                    GrowthPolicy(nodes: 64, verified: 64, minimumProbability: 0, depth: 30, planner: planner),
                    LawDrafter(seed: seed)
                )
                let chosen = try #require(planner.makePlanner()).selection(of: tree, nodes: 64)
                #expect(chosen == tree, "\(text)")
            }
        }
    }
}
