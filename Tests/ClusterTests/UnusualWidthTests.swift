import Foundation
import PacelineTestKit
import Testing

extension ClusterSuite {
    /// Heads and rows that are not whole vectors or blocks, with every command.
    @Suite("Unusual widths", .timeLimit(.minutes(2)))
    struct UnusualWidthTests {
        private static func path(_ name: String, _ change: (inout TinyModel) -> Void) throws -> String {
            var model = TinyModel.with(weights: .f16)
            model.blockCount = 1
            model.embeddingLength = 40
            model.feedForwardLength = 50
            change(&model)
            return try TestFiles.file(model.serialised(), name: "\(name).gguf")
        }

        @Test("Heads that the kernels do not support are refused with the same message everywhere")
        func refused() async throws {
            let prompts = try TestFiles.file("{\"turns\": [\"x\"]}\n".utf8, name: "prompts.jsonl")
            let models = [
                (
                    "has heads of width 514, but the kernels take up to 512; use another model",
                    try Self.path("wide") { $0.headDimension = 514 }
                ),
                (
                    "has heads of the odd width 7; convert the model again",
                    try Self.path("odd") { $0.headDimension = 7 }
                ),
                (
                    "has 130 query heads for each key head, but the kernels take up to 128; use another model",
                    try Self.path("many") { ($0.headDimension, $0.headCount, $0.keyValueHeadCount) = (2, 130, 1) }
                ),
            ]
            for (words, path) in models {
                for arguments in [
                    ["generate", "-m", path, "-p", "x"], ["score", "-m", path, "-p", "x"],
                    ["verifier", "-m", path, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
                    ["worker", "--connect", "127.0.0.1:1", "-md", path], ["bench", "engine", "-m", path],
                    ["bench", "methods", "-m", path, "--prompts", prompts],
                ] {
                    let result = try await CommandResult.of(arguments)
                    #expect(result.status == 1 && result.output.isEmpty)
                    #expect(result.errors == "paceline: \(path) \(words)\n")
                }
                let inspected = try await CommandResult.of("inspect", path)
                #expect(inspected.status == 0 && inspected.output.contains("cannot be run here: \(path) \(words)\n"))
            }
        }

        @Test(
            "Heads of width 100 and rows of 40 work with every command, with and without drafts",
            arguments: ["f16", "int8"]
        )
        func computed(type: String) async throws {
            let path = try Self.path("unusual") { $0.headDimension = 100 }
            #expect(try await CommandResult.of("inspect", path).output.contains("\ncan be run here\n"))
            let scored = try await CommandResult.of("score", "-m", path, "-p", "the end", "--kv-type", type)
            #expect(scored.status == 0, "\(scored.errors)")
            let arguments = ["-m", path, "-p", "the end", "-n", "40", "--ignore-eos", "--kv-type", type, "--json"]
            let plain = try await CommandResult.json(GenerateOutput.self, of: ["generate"] + arguments)
            let drafted = try await CommandResult.json(GenerateOutput.self, of: ["generate", "-md", path] + arguments)
            #expect(plain.tokens.count == 40 && drafted.tokens == plain.tokens)
        }
    }
}
