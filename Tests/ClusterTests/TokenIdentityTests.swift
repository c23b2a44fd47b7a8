import PacelineModel
import PacelineServer
import PacelineSpeculation
import Testing

extension ClusterSuite {
    /// The promise: whatever the drafters, the tokens are those of plain decoding.
    @Suite("Token identity", .serialized, .timeLimit(.minutes(5)))
    struct TokenIdentityTests {
        private static let prompt = "def add(a, b):\n    return a + b\n\ndef sub(a, b):\n    return"
        private static let tokens = 64

        /// Greedy for 0; otherwise with T = 0.8, top-p = 0.95 and this seed.
        private static func request(_ seed: UInt64) -> CompletionRequest {
            seed == 0
                ? .greedy(prompt, tokens: tokens) : .sampled(prompt, tokens: tokens, seed: seed)
        }

        @Test("smollm2: workers 0, 1, 2 and 3 with n-gram, model and both give the same tokens, greedy and sampled")
        func smollm2() async throws { try await checkAllWorkers(TestModels.smollm2, drafter: TestModels.smollm2) }

        @Test("A tiny model with an imperfect drafter gives the same tokens")
        func tiny() async throws { try await checkAllWorkers(TestModels.tiny, drafter: TestModels.tinyDrafter) }

        @Test("A tiny model whose workers never rest gives the same tokens, and all workers contribute")
        func restless() async throws {
            try await checkAllWorkers(TestModels.tiny, drafter: TestModels.tinyDrafter, mayRest: false)
        }

        @Test("The Qwen pair gives the same tokens", .enabled(if: TestModels.isQwenEnabled, "set PACELINE_TEST_QWEN=1"))
        func qwen() async throws { try await checkAllWorkers("qwen2.5-coder-1.5b", drafter: "qwen2.5-coder-0.5b") }

        @Test("A verifier that drafts for itself gives the same tokens, and lists its drafters as workers")
        func resident() async throws {
            let plain = try await TestCluster(TestModels.tiny)
            let drafters = ["-md", "ngram", "-md", TestModels.tinyDrafter]
            let drafted = try await TestCluster(TestModels.tiny, options: drafters + ["--always-draft"])
            try await drafted.waitForWorkers(2)
            for seed in 0...5 as ClosedRange<UInt64> { try await compare(plain, drafted, seed: seed) }
            try await compareUntilAllContribute(plain, drafted, mayRest: false)
            let names = try await drafted.client.workers().map(\.drafter)
            #expect(names.contains("ngram"), "\(names)")
        }

        @Test("Drafters without a model, in the verifier and in one worker together, give the same tokens")
        func lookUps() async throws {
            let model = try ModelFile(path: TestModels.tiny)
            let corpus = model.tokenizer.encode(Self.prompt)
            let store = Datastore([corpus], vocabulary: Datastore.Vocabulary(model))
            let path = try TestFiles.file(store.encoded, name: "corpus.datastore")
            let names = ["ngram:max=3", "suffix:memory=1MiB", "recycling", "trie", "phrases", "datastore:\(path)"]
            let plain = try await TestCluster(TestModels.tiny)
            let drafted = try await TestCluster(
                TestModels.tiny,
                options: names.flatMap { ["-md", $0] } + ["--always-draft"]
            )
            try await drafted.waitForWorkers(names.count)
            for seed in 0...2 as ClosedRange<UInt64> { try await compare(plain, drafted, seed: seed) }
            let worker = try drafted.startWorker(names + [TestModels.tinyDrafter])
            try await drafted.waitForWorkers(names.count + 1)
            for seed in 0...5 as ClosedRange<UInt64> { try await compare(plain, drafted, seed: seed) }
            #expect(worker.isRunning)
        }

        @Test("Heads, in the verifier and in a worker, give the same tokens", arguments: TinyHead.kinds)
        func heads(kind: HeadFile.Kind) async throws {
            let head = try TinyHead.file(kind, for: ModelFile(path: TestModels.tiny))
            let plain = try await TestCluster(TestModels.tiny)
            let options = ["-md", "head:\(head)+ngram", "--always-draft"]
            let drafted = try await TestCluster(TestModels.tiny, options: options)
            let worker = try drafted.startWorker(["head:\(head):target=\(TestModels.tiny)"])
            try await drafted.waitForWorkers(2)
            for seed in 0...3 as ClosedRange<UInt64> { try await compare(plain, drafted, seed: seed) }
            let names = try await drafted.client.workers().map(\.drafter)
            let name = kind == .eagle ? "head:head.gguf" : "head:\(kind).gguf"
            #expect(names == [name, name] && worker.isRunning, "\(names)")
        }

        @Test("Workers and a verifier whose trees different planners shape give the same tokens")
        func planners() async throws {
            let plain = try await TestCluster(TestModels.tiny)
            let options = ["-md", TestModels.tinyDrafter, "--planner", "opt-tree:nodes=12", "--always-draft"]
            let drafted = try await TestCluster(TestModels.tiny, options: options)
            let names = ["chain:length=3", "eagle-2:width=3,depth=4,nodes=12", "rsd-s:width=3"]
            let workers = try names.map { name in
                try drafted.startWorker(["ngram", TestModels.tinyDrafter], ["--planner", name])
            }
            try await drafted.waitForWorkers(1 + names.count)
            for seed in 0...5 as ClosedRange<UInt64> { try await compare(plain, drafted, seed: seed) }
            try await compareUntilAllContribute(plain, drafted, mayRest: false)
            #expect(workers.allSatisfy { $0.isRunning })
        }

        /// Compares a verifier without workers with one that gets another worker after each comparison.
        private func checkAllWorkers(_ target: String, drafter: String, mayRest: Bool = true) async throws {
            let plain = try await TestCluster(target)
            let drafted = try await TestCluster(target, options: mayRest ? [] : ["--always-draft"])
            var workers: [TestProcess] = []
            var texts: Set<[Token]> = []
            for drafters in [["ngram"], [drafter], ["ngram", drafter]] {
                workers.append(try drafted.startWorker(drafters))
                try await drafted.waitForWorkers(workers.count)
                for seed in 0...5 as ClosedRange<UInt64> {
                    texts.insert(try await compare(plain, drafted, seed: seed))
                }
            }
            // The seeds would prove nothing if they all gave the same text.
            #expect(texts.count > 3)
            try await compareUntilAllContribute(plain, drafted, mayRest: mayRest)
        }

        @discardableResult
        private func compare(_ plain: TestCluster, _ drafted: TestCluster, seed: UInt64) async throws -> [Token] {
            let expected = try await plain.generate(Self.request(seed))
            let found = try await drafted.generate(Self.request(seed))
            #expect(found.tokens == expected.tokens, "seed \(seed)")
            #expect(found.text == expected.text, "seed \(seed)")
            #expect(expected.tokens.count == Self.tokens && expected.draftedTokens == 0)
            return found.tokens
        }

        /// On a busy machine a worker may be too slow to contribute. Without an accepted token it was not tested,
        /// unless the verifier measured that it does not help and told it to rest. If all rest, none need have
        /// contributed.
        private func compareUntilAllContribute(
            _ plain: TestCluster,
            _ drafted: TestCluster,
            mayRest: Bool
        ) async throws {
            for seed in 6...40 as ClosedRange<UInt64> {
                let workers = try await drafted.client.workers()
                let isEachTried = workers.allSatisfy { $0.numDraftTokens > 0 || (mayRest && $0.restReason != nil) }
                let isNoneOfUse = mayRest && workers.allSatisfy { $0.restReason != nil }
                if isEachTried, isNoneOfUse || workers.contains(where: { $0.numAcceptedTokens > 0 }) { return }
                try await compare(plain, drafted, seed: seed)
            }
            Issue.record("a worker has neither contributed nor rested: \(try await drafted.client.workers())")
        }

        @Test("Verifiers with one and two threads give the same tokens, with and without a worker")
        func threads() async throws {
            var all: [[Token]] = []
            for threads in ["1", "2"] {
                for workers in ["0", "1"] {
                    let output = try await GenerateOutput.of(
                        "-m",
                        TestModels.smollm2,
                        "-p",
                        Self.prompt,
                        "-n",
                        "32",
                        "-t",
                        threads,
                        "--workers",
                        workers,
                        "-md",
                        TestModels.smollm2,
                        "--temp",
                        "0.8",
                        "--top-p",
                        "0.95",
                        "--seed",
                        "3",
                        "--ignore-eos"
                    )
                    all.append(output.tokens)
                }
            }
            #expect(Set(all).count == 1)
            #expect(all[0].count == 32)
        }

        @Test("A drafter that scores only part of the vocabulary changes no token, and helps")
        func trimmedDrafter() async throws {
            let cluster = try await TestCluster(TestModels.smollm2, "--always-draft")
            let plain = try await cluster.generate(Self.request(0))
            let worker = try cluster.startWorker([TestModels.smollm2], ["--draft-vocab", "8192"])
            try await cluster.waitForWorkers(1)
            // On a busy machine, all trees of a text may come too late.
            for _ in 0..<20 {
                let trimmed = try await cluster.generate(Self.request(0))
                #expect(trimmed.tokens == plain.tokens && plain.tokens.count == Self.tokens)
                if trimmed.acceptedTokens > 0 { return }
            }
            Issue.record("nothing that the worker drafted was accepted; it runs: \(worker.isRunning)")
        }

        @Test("A prompt of one token and one of a thousand", arguments: [1, 1000])
        func promptLengths(count: Int) async throws {
            let cluster = try await TestCluster(TestModels.smollm2, "--always-draft")
            let tokenizer = try Tokenizer(GGUFFile(path: ModelCatalog.fromEnvironment().resolve(TestModels.smollm2)))
            let prompt = tokenizer.encode(String(repeating: Self.prompt + " a - b\n\n", count: 50)).prefix(count)
            // Greedy text soon repeats itself, and then n-grams help.
            var request = CompletionRequest.greedy("", tokens: 128)
            request.prompt = .tokens(Array(prompt))
            let plain = try await cluster.generate(request)
            // Both together: the n-gram drafter does not wait for the model to read the prompt.
            let worker = try cluster.startWorker(["ngram", TestModels.smollm2])
            try await cluster.waitForWorkers(1)
            let speculative = try await cluster.generate(request)
            #expect(plain.tokens == speculative.tokens)
            #expect(plain.tokens.count == 128)
            #expect(plain.final?.usage?.promptTokens == count)
            #expect(speculative.acceptedTokens > 0)
            #expect(worker.isRunning)
        }
    }
}
