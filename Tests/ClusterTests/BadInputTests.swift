import Foundation
import PacelineServer
import PacelineSpeculation
import PacelineTestKit
import Testing

extension ClusterSuite {
    /// Any invalid input gives one plain sentence on standard error, nothing on standard output, and a non-zero status.
    @Suite("Bad input", .timeLimit(.minutes(2)))
    struct BadInputTests {
        /// A command line and words that the message must contain.
        struct Case: Sendable, CustomTestStringConvertible {
            var words: String
            var arguments: [String]

            init(_ words: String, _ arguments: String...) {
                self.words = words
                self.arguments = arguments
            }

            var testDescription: String { arguments.joined(separator: " ") }
        }

        private static func check(_ example: Case, environment: [String: String] = [:]) async throws {
            let result = try await CommandResult.of(example.arguments, environment: environment)
            #expect(result.status != 0 && result.status < 128, "\(result)")
            #expect(result.errors.contains(example.words), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            #expect(result.errors.hasPrefix("paceline: ") && !result.errors.contains("Fatal error"))
            #expect(result.output.isEmpty)
        }

        // MARK: Flags

        private static let tiny = TestModels.tiny
        private static let prompt = ["-m", tiny, "-p", "x"]

        @Test(
            "Flags",
            arguments: [
                Case("Unexpected argument 'nonsense'", "nonsense"),
                Case("Unknown option '--frobnicate'", "generate", "-m", "x", "-p", "y", "--frobnicate"),
                Case("Missing expected argument '--model", "generate", "-p", "y"),
                Case("give one prompt", "generate", "-m", tiny),
                Case("use one of them", "generate", "-m", tiny, "-p", "x", "-f", "y"),
                Case("give one prompt", "generate", "-m", tiny, "-p", "x", "--prompt-tokens", "1"),
                Case("--chat wraps a text", "generate", "-m", tiny, "--prompt-tokens", "1", "--chat"),
                Case("add --chat", "generate", "-m", tiny, "-p", "x", "--chat-template", "x.jinja"),
                Case(
                    "x.jinja cannot be read",
                    "generate",
                    "-m",
                    tiny,
                    "-p",
                    "x",
                    "--chat",
                    "--chat-template",
                    "x.jinja"
                ),
                Case("x.jinja cannot be read", "verifier", "-m", tiny, "--chat-template", "x.jinja"),
                Case("lacks a drafter beside a +", "generate", "-m", tiny, "-p", "x", "-md", "ngram+"),
                Case("'abc' is invalid for '-n", "generate", "-m", tiny, "-p", "x", "-n", "abc"),
                Case("--max-tokens must be from 1", "generate", "-m", tiny, "-p", "x", "-n", "0"),
                Case("--max-tokens must be from 1", "generate", "-m", tiny, "-p", "x", "-n", "-5"),
                Case("--threads must be from 1 to 256", "generate", "-m", tiny, "-p", "x", "-t", "0"),
                Case("--threads must be from 1 to 256", "score", "-m", tiny, "-p", "x", "-t", "100000"),
                Case("--workers must be from 0 to 16", "generate", "-m", tiny, "-p", "x", "--workers", "99"),
                Case("temperature must be", "generate", "-m", tiny, "-p", "x", "--temp", "-1"),
                Case("temperature must be", "generate", "-m", tiny, "-p", "x", "--temp", "nan"),
                Case("top_p must be above 0", "generate", "-m", tiny, "-p", "x", "--top-p", "0"),
                Case("top_k must be", "generate", "-m", tiny, "-p", "x", "--top-k", "-1"),
                Case("min_p must be", "generate", "-m", tiny, "-p", "x", "--min-p", "2"),
                Case("repetition_penalty must be", "generate", "-m", tiny, "-p", "x", "--repeat-penalty", "0"),
                Case("'1:2' is invalid", "generate", "-m", tiny, "-p", "x", "--logit-bias", "1:2"),
                Case("from -100 to 100", "generate", "-m", tiny, "-p", "x", "--logit-bias", "1=200"),
                Case("is invalid for '--seed", "generate", "-m", tiny, "-p", "x", "--seed", "99999999999999999999"),
                Case("empty string", "generate", "-m", tiny, "-p", "x", "--stop", ""),
                Case("is invalid for '--prompt-tokens", "generate", "-m", tiny, "--prompt-tokens", "1,,2"),
                Case("is invalid for '--prompt-tokens", "generate", "-m", tiny, "--prompt-tokens", "4294967296"),
                Case("--top must be from 1", "score", "-m", tiny, "-p", "x", "--top", "0"),
                Case("is invalid for '--positions", "score", "-m", tiny, "-p", "x", "--positions", "first"),
                Case("--slots must be from 1", "verifier", "-m", tiny, "-np", "0"),
                Case("is invalid for '--listen", "verifier", "-m", tiny, "--listen", "7411"),
                Case("is invalid for '--connect", "worker", "--connect", "127.0.0.1:0", "-md", "ngram"),
                Case("it has max and min", "generate", "-m", tiny, "-p", "x", "-md", "ngram:size=4"),
                Case("must be 1 to 64", "worker", "--connect", "127.0.0.1:1", "-md", "ngram:max=0"),
                Case("eagle.gguf cannot be read", "verifier", "-m", tiny, "-md", "head:eagle.gguf"),
                Case("is not a draft head", "verifier", "-m", tiny, "-md", "head:\(tiny)"),
                Case("which only drafters of a verifier", "generate", "-m", tiny, "-p", "x", "-md", "head:eagle.gguf"),
                Case("lacks a file", "worker", "--connect", "127.0.0.1:1", "-md", "head:"),
                Case("there is no drafter \"suffixx\"", "generate", "-m", tiny, "-p", "x", "-md", "suffixx"),
                Case("it cannot be read", "generate", "-m", tiny, "-p", "x", "-md", "datastore:/nowhere/x"),
                Case("it cannot be read", "datastore", "inspect", "/nowhere/x"),
                Case("not a datastore", "datastore", "inspect", tiny),
                Case(
                    "--draft-vocab must be at least 1",
                    "worker",
                    "--connect",
                    "[::1]:1",
                    "-md",
                    "a",
                    "--draft-vocab",
                    "0"
                ),
                Case("--draft-vocab must be at least 1", "generate", "-m", tiny, "-p", "x", "--draft-vocab", "-5"),
                Case(
                    "there is no planner \"eagle\"; there are best-first, chain, tree",
                    "worker",
                    "--connect",
                    "[::1]:1",
                    "-md",
                    "ngram",
                    "--planner",
                    "eagle"
                ),
                Case(
                    "length of chain must be a whole number from 1 to 32",
                    "generate",
                    "-m",
                    tiny,
                    "-p",
                    "x",
                    "--planner",
                    "chain:length=0"
                ),
                Case("-md must name", "worker", "--connect", "127.0.0.1:7411"),
                Case("is invalid for '--log-level", "generate", "-m", tiny, "-p", "x", "--log-level", "loud"),
            ]
        )
        func flags(example: Case) async throws { try await Self.check(example) }

        @Test("An invalid log level in the environment")
        func environment() async throws {
            let example = Case("PACELINE_LOG is \"loud\"", "generate", "-m", Self.tiny, "-p", "x")
            try await Self.check(example, environment: ["PACELINE_LOG": "loud"])
        }

        // MARK: Prompts

        @Test("Prompts that cannot be used")
        func prompts() async throws {
            let invalid = try TestFiles.file([0x61, 0x62, 0xC3, 0x28], name: "invalid.txt")
            let empty = try TestFiles.file([], name: "empty.txt")
            let long = try TestFiles.file(Array(repeating: UInt8(ascii: "?"), count: 3000), name: "long.txt")
            for example in [
                Case("invalid.txt is not valid UTF-8 at byte 2", "generate", "-m", Self.tiny, "-f", invalid),
                Case("invalid.txt is not valid UTF-8 at byte 2", "tokenize", "-m", Self.tiny, "-f", invalid),
                Case("prompt is empty", "generate", "-m", Self.tiny, "-f", empty),
                Case("the prompt has 3000 tokens", "generate", "-m", Self.tiny, "-f", long),
                Case("the prompt has 1 tokens", "generate", "-m", Self.tiny, "-p", "a", "-c", "1"),
                Case("but the model's context holds 2048", "score", "-m", Self.tiny, "-f", long),
                Case("there are no tokens to score", "score", "-m", Self.tiny, "-f", empty),
                Case("No such file", "generate", "-m", Self.tiny, "-f", "/nonexistent/prompt.txt"),
                Case("outside the vocabulary", "generate", "-m", Self.tiny, "--prompt-tokens", "1,999999"),
                Case("outside the vocabulary", "tokenize", "-m", Self.tiny, "--tokens", "999999"),
                Case("outside the model's vocabulary", "score", "-m", Self.tiny, "--tokens", "999999"),
                Case("position 7 is outside the text", "score", "-m", Self.tiny, "--tokens", "1,2", "--positions", "7"),
                Case("the model holds 2048", "generate", "-m", Self.tiny, "-p", "x", "-c", "100000"),
            ] {
                try await Self.check(example)
            }
        }

        @Test("Pass times that are impossible")
        func costs() async throws {
            for (words, text) in [
                ("over 1 row in 1e-300 ms is out of range", #"{"1": 1e-300}"#),
                ("over 1 row in 1e+308 ms is out of range", #"{"1": 1e308}"#),
                ("over 9223372036854775807 rows in 1.0 ms is out of range", #"{"9223372036854775807": 1}"#),
                ("\"one\" is not a number of rows", #"{"one": 1}"#),
                ("at least one measured point", "{}"), ("must be a JSON object", "[1]"),
            ] {
                let path = try TestFiles.file(text.utf8, name: "costs.json")
                try await Self.check(Case(words, "bench", "cluster", "--cost-curve", path))
            }
        }

        @Test("Files and addresses that cannot be used")
        func filesAndAddresses() async throws {
            for (words, line) in [
                ("written to /no/file (No such file or directory); check", "simulate --seeds 1..1 --trace /no/file"),
                ("/no/file cannot be read (No such file or directory)", "bench cluster --cost-curve /no/file"),
                ("the host of no.invalid:1 is unknown", "chaos relay --listen no.invalid:1 --connect 127.0.0.1:1"),
                (
                    "192.0.2.1:1 is not an address of this machine",
                    "chaos relay --allow-remote --listen 192.0.2.1:1 --connect 127.0.0.1:1"
                ),
                ("192.0.2.1:1 is not an address of this machine", "verifier -m \(Self.tiny) --listen 192.0.2.1:1"),
            ] {
                var example = Case(words)
                example.arguments = line.split(separator: " ").map(String.init)
                try await Self.check(example, environment: ["PACELINE_TOKEN": "0123456789abcdef0123456789abcdef"])
            }
        }

        // MARK: Models

        @Test("Model files that cannot be used, at every command that takes one")
        func models() async throws {
            let whole = TinyModel().serialised()
            var magic = whole
            magic[0] = 0x58
            let files = [
                ("cannot be read (No such file", "/nonexistent/model.gguf"),
                ("there is no model \"smollm3\"", "smollm3"),
                ("is not a regular file", FileManager.default.temporaryDirectory.path + "/."),
                ("is not a GGUF file", try TestFiles.file(magic, name: "magic.gguf")),
                ("the file is damaged", try TestFiles.file(whole[..<4000], name: "head.gguf")),
                ("beyond the file's", try TestFiles.file(whole[..<(whole.count / 2)], name: "half.gguf")),
                (
                    "architecture \"mamba\"",
                    try TestFiles.file(Self.patched(whole, "llama", "mamba"), name: "mamba.gguf")
                ),
                (
                    "pre-tokeniser \"qwen9\"",
                    try TestFiles.file(Self.patched(whole, "qwen2", "qwen9"), name: "pre.gguf")
                ),
                ("weight type TQ1_0", try TestFiles.file(Self.unknownWeights(), name: "weights.gguf")),
                ("lacks the tensor output_norm.weight", try TestFiles.file(Self.withoutNorm(), name: "norm.gguf")),
                ("has the tensor nonsense that", try TestFiles.file(Self.withNonsense(), name: "nonsense.gguf")),
                ("lacks shard 2 of 2: ", try TestFiles.file(Self.firstShard(), name: "m-00001-of-00002.gguf")),
            ]
            for (words, path) in files {
                try await Self.check(Case(words, "generate", "-m", path, "-p", "x"))
                try await Self.check(
                    Case(words, "verifier", "-m", path, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
                )
                try await Self.check(Case(words, "score", "-m", path, "-p", "x"))
                let drafter = words.replacingOccurrences(of: "there is no model", with: "there is no drafter")
                try await Self.check(Case(drafter, "worker", "--connect", "127.0.0.1:1", "-md", path))
            }
        }

        /// A file in which a text is replaced everywhere by one of the same length.
        private static func patched(_ file: [UInt8], _ old: String, _ new: String) -> [UInt8] {
            var bytes = Data(file)
            while let range = bytes.range(of: Data(old.utf8)) { bytes.replaceSubrange(range, with: Data(new.utf8)) }
            return Array(bytes)
        }

        /// A tiny model whose embedding has a weight type without kernels.
        private static func unknownWeights() throws -> [UInt8] {
            let bytes = Data(TinyModel().serialised())
            let name = try #require(bytes.range(of: Data("token_embd.weight".utf8)))
            // After the name: the number of dimensions, two dimensions, and the type.
            let type = name.upperBound + 4 + 2 * 8
            return Array(bytes[..<type] + [34, 0, 0, 0] + bytes[(type + 4)...])
        }

        private static func withoutNorm() -> [UInt8] {
            var writer = TinyModel().header()
            for tensor in TinyModel().tensors() where tensor.name != "output_norm.weight" { writer.add(tensor) }
            return writer.serialised()
        }

        private static func withNonsense() -> [UInt8] {
            var model = TinyModel()
            model.extraVectors = ["nonsense": 4]
            return model.serialised()
        }

        private static func firstShard() -> [UInt8] {
            var writer = TinyModel().header()
            writer.add("split.no", .uint16(0))
            writer.add("split.count", .uint16(2))
            writer.add("split.tensors.count", .int32(1))
            return writer.serialised()
        }

        @Test("For a drafter with another vocabulary, generate, the verifier and the worker itself name both models")
        func vocabularies() async throws {
            let stranger = TestModels.tinyStranger
            for words in ["tiny.gguf", "tiny-stranger.gguf"] {
                try await Self.check(Case(words, "generate", "-m", Self.tiny, "-md", stranger, "-p", "x"))
            }
            let addresses = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "error"]
            let alone = try await CommandResult.of(["verifier", "-m", Self.tiny, "-md", stranger] + addresses)
            #expect(alone.status == 1)
            #expect(alone.errors.contains("does not have the vocabulary of the target"), "\(alone.errors)")
            let cluster = try await TestCluster(Self.tiny)
            let worker = try cluster.startWorker([stranger])
            #expect(try await worker.exit() != 0)
            #expect(worker.errors.contains("Tiny llama 1"), "\(worker.errors)")
            _ = try await cluster.generate(.greedy("a", tokens: 4))
        }

        @Test("A port in use, for workers and for clients")
        func ports() async throws {
            let cluster = try await TestCluster(Self.tiny)
            let (drafts, http) = ("\(cluster.drafts)", "\(cluster.client.address)")
            try await Self.check(
                Case(
                    "\(drafts) is in use",
                    "verifier",
                    "-m",
                    Self.tiny,
                    "--listen",
                    drafts,
                    "--http",
                    "127.0.0.1:0",
                    "--log-level",
                    "error"
                )
            )
            try await Self.check(
                Case("\(http) is in use", "verifier", "-m", Self.tiny, "--listen", "127.0.0.1:0", "--http", http)
            )
        }

        @Test("A worker port that other machines could reach is refused")
        func publicAddress() async throws {
            try await Self.check(
                Case("0.0.0.0:0", "verifier", "-m", Self.tiny, "--listen", "0.0.0.0:0", "--http", "127.0.0.1:0")
            )
        }

        @Test("Truncations and flipped bits of a model never trap", arguments: 0..<8)
        func damagedModels(part: Int) async throws {
            let whole = TinyModel().serialised()
            var generator = SplitMix(seed: UInt64(part), name: "damage")
            for round in 0..<6 {
                var bytes = whole
                if round.isMultiple(of: 2) {
                    bytes = Array(whole.prefix(Int(generator.next() % UInt64(whole.count))))
                } else {
                    // In the header, which is read before the weights.
                    for _ in 0..<4 { bytes[Int(generator.next() % 12_000)] ^= UInt8(1 << (generator.next() % 8)) }
                }
                let path = try TestFiles.file(bytes, name: "damaged.gguf")
                let result = try await CommandResult.of("score", "-m", path, "-p", "the end", "--positions", "last")
                #expect(result.status < 128, "\(result.errors)")
                #expect(!result.errors.contains("Fatal error"))
            }
        }
    }
}
