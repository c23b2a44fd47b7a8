import Foundation
import PacelineServer
import PacelineSpeculation
import Testing

extension ClusterSuite {
    /// The commands compared with the results of the reference implementations.
    @Suite("Golden results on the command line", .timeLimit(.minutes(5)))
    struct GoldenCommandTests {
        private struct Tokens: Decodable {
            var tokens: [Token]
            var text: String?
        }

        private struct TokenizerGolden: Decodable {
            struct Case: Decodable {
                var text: String
                var tokens: [Token]
            }
            var cases: [Case]
        }

        private struct ScoreGolden: Decodable {
            struct Law: Decodable {
                var position: Int
                /// `[id, log-probability]`.
                var top: [[Double]]
            }
            struct Case: Decodable {
                var name: String
                var tokens: [Token]
                var logprobs: [Law]
                var greedy: [Token]
                var greedy_margin: [Double]
            }
            var cases: [Case]
        }

        private struct Score: Decodable {
            var tokens: [Token]
            var positions: [ScoreGolden.Law]
        }

        private static func golden<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
            let url = try #require(Bundle.module.url(forResource: "Goldens/\(name)", withExtension: "json"))
            return try JSONDecoder().decode(type, from: Data(contentsOf: url))
        }

        @Test("tokenize gives the golden tokens and the text back, for every sixth case of the library's tests")
        func tokenize() async throws {
            let all = try Self.golden(TokenizerGolden.self, "tokenizer-smollm2").cases
            for (index, example) in all.enumerated() where index.isMultiple(of: 6) {
                let file = try TestFiles.file(Array(example.text.utf8), name: "text")
                let command = ["tokenize", "--json", "-m", TestModels.smollm2]
                let found = try await CommandResult.json(Tokens.self, of: command + ["-f", file])
                #expect(found.tokens == example.tokens, "\(example.text)")
                guard !found.tokens.isEmpty else { continue }
                let ids = found.tokens.map(String.init).joined(separator: ",")
                let back = try await CommandResult.json(Tokens.self, of: command + ["--tokens", ids])
                #expect(back.text == example.text)
            }
        }

        @Test("tokenize reads many texts as JSON Lines, and names an invalid line")
        func tokenizeLines() async throws {
            let cases = try Self.golden(TokenizerGolden.self, "tokenizer-smollm2").cases
            let lines = try cases.map { String(decoding: try JSONEncoder().encode($0.text), as: UTF8.self) }
            let command = ["tokenize", "-m", TestModels.smollm2, "--json-lines", "-f"]
            let file = try TestFiles.file(Array(lines.joined(separator: "\n").utf8), name: "texts")
            let found = try await CommandResult.of(command + [file])
            let expected = cases.map { $0.tokens.map(String.init).joined(separator: ",") + "\n" }.joined()
            #expect(found.status == 0 && found.output == expected)
            let broken = try TestFiles.file(Array("\"a\"\nb\n".utf8), name: "texts")
            let refused = try await CommandResult.of(command + [broken])
            #expect(refused.status != 0 && refused.errors.contains("line 2 is not a JSON string"))
        }

        @Test("score agrees with float32 arithmetic for smollm2")
        func scoreSmollm2() async throws { try await checkScores(TestModels.smollm2, "smollm2") }

        @Test(
            "score agrees with float32 arithmetic for Qwen 0.5B",
            .enabled(if: TestModels.isQwenEnabled, "set PACELINE_TEST_QWEN=1")
        )
        func scoreQwen() async throws { try await checkScores("qwen2.5-coder-0.5b", "qwen05") }

        @Test(
            "score works for Qwen 1.5B, the first position included",
            .enabled(if: TestModels.isQwenEnabled, "set PACELINE_TEST_QWEN=1")
        )
        func scoreLargeQwen() async throws {
            let command = ["score", "--json", "-m", "qwen2.5-coder-1.5b", "-p", "The capital of France is"]
            let score = try await CommandResult.json(Score.self, of: command)
            #expect(score.positions.map(\.position) == Array(score.tokens.indices))
            #expect(score.positions.allSatisfy { law in law.top.allSatisfy { $0[1] <= 0 && $0[1] > -30 } })
        }

        private func checkScores(_ model: String, _ golden: String) async throws {
            var differences: [Double] = []
            for example in try Self.golden(ScoreGolden.self, golden).cases {
                let ids = example.tokens.map(String.init).joined(separator: ",")
                let positions = example.logprobs.map { "\($0.position)" }.joined(separator: ",")
                let command = [
                    "score", "--json", "-m", model, "--tokens", ids, "--positions", positions, "--top", "1000",
                ]
                let score = try await CommandResult.json(Score.self, of: command)
                #expect(score.tokens == example.tokens)
                #expect(score.positions.map(\.position) == example.logprobs.map(\.position))
                for (law, reference) in zip(score.positions, example.logprobs) {
                    let found = try #require(law.top.first { $0[0] == reference.top[0][0] })
                    differences.append(abs(found[1] - reference.top[0][1]))
                    #expect(law.top.map { $0[1] } == law.top.map { $0[1] }.sorted(by: >))
                }
            }
            #expect(differences.reduce(0, +) / Double(differences.count) <= 0.06)
            #expect(try #require(differences.max()) <= 0.25)
        }

        @Test("Greedy generation follows the golden continuation as long as its margin is clear")
        func greedy() async throws {
            let cluster = try await TestCluster(TestModels.smollm2)
            for example in try Self.golden(ScoreGolden.self, "smollm2").cases {
                let length = zip(example.greedy, example.greedy_margin).prefix { $0.1 > 0.3 }.count
                guard length > 0 else { continue }
                var request = CompletionRequest.greedy("", tokens: length)
                request.prompt = .tokens(example.tokens)
                let outcome = try await cluster.generate(request)
                #expect(outcome.tokens == Array(example.greedy.prefix(length)), "\(example.name)")
            }
        }
    }
}
