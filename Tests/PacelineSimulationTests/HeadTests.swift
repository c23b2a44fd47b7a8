import PacelineCluster
import PacelineSpeculation
import PacelineTestTraits
import PacelineWire
import Testing

@testable import PacelineSimulation

@Suite("Simulated heads", .computing)
struct HeadTests {
    private static let demand = FeatureDemand(taps: [.lastOutput, .input(layer: 1)], format: .eightBit)

    private static let faults: [[FaultKind]] = [
        [], [.latency, .bandwidth], [.kill, .cut], [.slicing, .reset], [.verifierKill], [.pause],
    ]

    @Test("draft with the features of their own text and no others, whatever strikes", arguments: faults)
    func promises(faults: [FaultKind]) throws {
        var statistics = SimulationStatistics()
        for seed in 1...6 as ClosedRange<UInt64> {
            var scenario = try Scenario.struck(seed: seed, by: faults).draftingWithHeads()
            scenario.link.featureWindow = [1, 1000, 1 << 20][Int(seed) % 3]
            let simulation = try Simulation(scenario)
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed) under \(faults)")
            #expect(simulation.statistics.featureRows > 20, "seed \(seed) under \(faults)")
            statistics += simulation.statistics
        }
        #expect(statistics.featureRows > 700 && statistics.headTokens > 50)
    }

    @Test("are in the scenarios of the swarm, and draft there")
    func swarm() throws {
        var (heads, useful) = (0, 0)
        var statistics = SimulationStatistics()
        for seed in 1...60 as ClosedRange<UInt64> {
            let scenario = try Scenario.swarm(seed: seed)
            guard scenario.workers.contains(where: { $0.drafter.features != nil }) else { continue }
            let simulation = try Simulation(scenario)
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            heads += 1
            if simulation.statistics.headTokens > 0 { useful += 1 }
            statistics += simulation.statistics
        }
        #expect(heads > 15 && useful > 6, "\(useful) of \(heads)")
        #expect(statistics.featureRows > 300 && statistics.headTokens > 40)
    }

    @Test("draft nothing where they are told nothing, and harm nobody", arguments: [true, false])
    func untold(isOld: Bool) throws {
        for seed in 1...4 as ClosedRange<UInt64> {
            var scenario = try Scenario.struck(seed: seed, by: [.cut]).draftingWithHeads()
            if isOld {
                for index in scenario.workers.indices { scenario.workers[index].versions = 1...1 }
            } else {
                scenario.featureLayers = nil
            }
            let simulation = try Simulation(scenario)
            simulation.run()
            #expect(simulation.violation == nil, "seed \(seed)")
            #expect(simulation.statistics.featureRows == 0 && simulation.statistics.headTokens == 0)
            #expect(simulation.statistics.tokens > 20)
        }
    }

    @Test("are as useful as the same models without features")
    func useful() throws {
        func accepted(_ drafter: DrafterKind) throws -> SimulationStatistics {
            var scenario = Scenario(seed: 1, costs: try .linear(base: 20, perRow: 0.2))
            scenario.workers = [Scenario.Worker(drafter: drafter, stepMilliseconds: 2)]
            scenario.requests = [Scenario.Request(prompt: [1, 2, 3], seed: 4, maximumTokens: 400)]
            let simulation = try Simulation(scenario)
            simulation.run()
            #expect(simulation.violation == nil)
            return simulation.statistics
        }
        let model = try accepted(.model(agreement: 0.8))
        let head = try accepted(.head(agreement: 0.8, reads: Self.demand))
        #expect(head.headTokens == head.acceptedTokens && model.headTokens == 0)
        #expect(10 * head.acceptedTokens > 9 * model.acceptedTokens, "\(head.acceptedTokens)")
        // A row for each token but the last, and for each token of the prompt.
        #expect(head.featureRows > 350 && head.featureRows <= 403)
    }

    // MARK: The drafter itself

    private static let base: [Token] = [1, 2, 3, 4, 5]

    private static func head(_ ledger: ProposalLedger) -> MockHead {
        var head = MockHead(MockDrafter(agreement: 1, claim: 1, isTagged: false), taps: demand.taps, ledger: ledger)
        head.begin(base: base, sampling: .greedy)
        return head
    }

    private static func rows(_ positions: Range<Int>, of text: [Token] = base + [6, 7, 8]) -> FeatureBlock {
        MockFeatures.block(of: text, at: positions, taps: demand.taps)
    }

    @Test("are ready with the row of the last token but one, and forget what lies before a gap")
    func readiness() {
        let ledger = ProposalLedger()
        var head = Self.head(ledger)
        #expect(!head.isReady)
        head.take(Self.rows(0..<3))
        #expect(!head.isReady)
        head.take(Self.rows(2..<4))
        #expect(head.isReady)
        let commit = Rerooting(committed: [6, 7], path: [], kept: [], tree: TokenTree())
        head.take(Self.rows(6..<7))
        head.advance(commit)
        // The row of the last token is there, and not the one before it.
        #expect(!head.isReady)
        var other = Self.head(ledger)
        other.take(Self.rows(0..<6))
        other.advance(commit)
        #expect(other.isReady && ledger.strayFeatures == 0 && ledger.featureRows == 12)
    }

    @Test("find rows of another text, another place or other taps")
    func strays() {
        let wrong: [FeatureBlock] = [
            Self.rows(0..<3, of: [1, 2, 4]), Self.rows(0..<7, of: Self.base + [6, 9]),
            FeatureBlock(position: 1, taps: Self.demand.taps, width: 4, values: Self.rows(0..<2).values),
            MockFeatures.block(of: Self.base, at: 0..<2, taps: Self.demand.taps.reversed()),
            FeatureBlock(position: 0, taps: Self.demand.taps.reversed(), width: 4, values: Self.rows(0..<2).values),
            FeatureBlock(position: 0, taps: Self.demand.taps, width: 2, values: Self.rows(0..<2).values),
        ]
        for block in wrong {
            let ledger = ProposalLedger()
            var head = Self.head(ledger)
            head.take(block)
            head.advance(Rerooting(committed: [6, 7], path: [], kept: [], tree: TokenTree()))
            #expect(ledger.strayFeatures == 1, "\(block.position)")
        }
    }

    @Test("count a step that they cannot take")
    func blind() throws {
        let ledger = ProposalLedger()
        var head = Self.head(ledger)
        _ = try head.expand(TokenTree(), at: [nil], width: 1)
        head.take(Self.rows(0..<4))
        _ = try head.expand(TokenTree(), at: [nil], width: 1)
        #expect(ledger.blindSteps == 1)
    }
}
