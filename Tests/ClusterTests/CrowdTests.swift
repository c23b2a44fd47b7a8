import Glibc
import PacelineServer
import PacelineSpeculation
import Testing

extension ClusterSuite {
    /// Up to eight workers of all kinds, several requests at once, and workers that die among them.
    @Suite("A crowd of workers", .serialized, .timeLimit(.minutes(5)))
    struct CrowdTests {
        /// The drafters of the first, the second, … worker.
        private static func kinds(_ model: String) -> [[String]] {
            [
                ["ngram"], [model], ["random"], ["suffix"], ["ngram", "suffix"], [model, "random"], ["suffix"],
                ["ngram", model],
            ]
        }

        private static let requests: [CompletionRequest] = [
            .greedy("def add(a, b):\n    return a + b\n\ndef sub(a, b):\n    return", tokens: 48),
            .sampled("The river ran past the old mill, and", tokens: 48, seed: 5),
            .sampled("1, 2, 3, 4, 5, 6,", tokens: 24, seed: 6),
        ]

        @Test("Tokens are those of plain decoding with one to eight workers, and while four of them die")
        func oneToEight() async throws {
            let cluster = try await TestCluster(TestModels.tiny, "-np", "3", "--always-draft")
            let plain = try await answers(of: cluster)
            var workers: [TestProcess] = []
            for kind in Self.kinds(TestModels.tinyDrafter) {
                workers.append(try cluster.startWorker(kind))
                try await cluster.waitForWorkers(workers.count)
                #expect(try await answers(of: cluster) == plain, "\(workers.count) workers")
            }
            #expect(try await cluster.client.workers().contains { $0.numAcceptedTokens > 0 })
            async let meanwhile = answers(of: cluster)
            for worker in workers.prefix(4) { worker.send(SIGKILL) }
            #expect(try await meanwhile == plain)
            try await cluster.waitForWorkers(4)
            #expect(try await answers(of: cluster) == plain)
        }

        @Test("Eight workers and verifiers with one to four threads give smollm2's tokens", arguments: 1...4)
        func threads(count: Int) async throws {
            let reference = try await TestCluster(TestModels.smollm2, "-t", "2")
            let cluster = try await TestCluster(TestModels.smollm2, "-t", "\(count)", "-np", "3")
            let plain = try await answers(of: reference)
            let workers = try Self.kinds(TestModels.smollm2).map { try cluster.startWorker($0) }
            try await cluster.waitForWorkers(workers.count)
            #expect(try await answers(of: cluster) == plain)
        }

        /// Runs all requests at once; returns the tokens of each.
        private func answers(of cluster: TestCluster) async throws -> [[Token]] {
            try await withThrowingTaskGroup(of: (Int, [Token]).self) { group in
                for (index, request) in Self.requests.enumerated() {
                    group.addTask { (index, try await cluster.generate(request).tokens) }
                }
                return try await group.reduce(into: [[Token]](repeating: [], count: Self.requests.count)) {
                    $0[$1.0] = $1.1
                }
            }
        }
    }
}
