import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import PacelineCluster

/// A tiny model with an imperfect drafter of it.
@Suite("Identity of tokens with tree planners, on a model")
struct PlannerIdentityTests {
    static let planners = [
        "chain", "tree", "eagle-2:width=4,depth=4,nodes=12", "opt-tree:nodes=12", "dyspec:nodes=12",
        "dyspec:nodes=12,threshold=0.02", "sequoia", "rsd-c", "rsd-s", "adaedl", "specdec++", "goodput", "best-first",
    ]

    private static let requests = [40].flatMap { length in
        [
            SamplingParameters.greedy, SamplingParameters(temperature: 0.8, topP: 0.95, seed: 5),
        ].map { sampling in
            GenerationRequest(
                prompt: Array(TransformerEngineTests.text.prefix(length)),
                sampling: sampling,
                maximumTokens: 24
            )
        }
    }

    private static func cluster(_ drafters: [any DrafterSource], _ planner: PlannerSettings?) throws -> MachineCluster {
        try MachineCluster(
            target: .tiny(),
            engine: try TransformerEngineTests.engine(threads: 1),
            drafters: drafters,
            planner: planner
        )
    }

    @Test("a verifier and two workers that any planner guides emit the tokens of plain decoding")
    func cluster() throws {
        let plain = try Self.cluster([], nil)
        let expected = Self.requests.map { plain.answer($0).tokens }
        #expect(Set(expected).count > 1)
        #expect(Set(Self.planners.map { $0.prefix { $0 != ":" } }).count == PlannerName.allCases.count)
        for name in Self.planners {
            let drafters = try [0.1, 0.6].map { try TinyDrafterSource(perturbation: $0) }
            let drafted = try Self.cluster(drafters, try PlannerSettings(name))
            let ids = Self.requests.map(drafted.submit)
            drafted.run()
            #expect(ids.map { drafted.answers[$0]?.tokens } == expected, "\(name)")
            #expect(drafted.largestTrees.values.contains { $0 > 0 }, "\(name) had nothing verified")
        }
    }
}
