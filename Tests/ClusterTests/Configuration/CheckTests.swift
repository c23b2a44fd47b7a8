import Foundation
import Testing

@testable import paceline

extension ClusterSuite {
    /// `--check`, `--version` and the log's format, in real processes.
    @Suite("Configured processes", .timeLimit(.minutes(2)))
    struct CheckTests {
        private static let secret = "0123456789abcdef0123456789abcdef"

        private static func settings(_ text: String) throws -> String {
            try TestFiles.file(Array(text.utf8), name: "settings.yaml")
        }

        @Test("--check prints every setting with its origin, hides the secrets, and starts nothing")
        func check() async throws {
            let path = try Self.settings("model: \(TestModels.tiny)\nslots: 3\n")
            let result = try await CommandResult.of(
                ["verifier", "--config", path, "--check", "--http", "127.0.0.1:0"],
                environment: ["PACELINE_GRACE": "2s", "PACELINE_TOKEN": Self.secret, "PACELINE_API_KEY": Self.secret]
            )
            #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
            let lines = result.output.split(separator: "\n").map { line in
                line.split(separator: "  ", omittingEmptySubsequences: true)
                    .map { $0.trimmingCharacters(in: .whitespaces) }
            }
            for expected in [
                ["model", TestModels.tiny, "\(path), line 1"], ["slots", "3", "\(path), line 2"],
                ["grace", "2s", "PACELINE_GRACE"], ["http", "127.0.0.1:0", "command line"],
                ["listen", "127.0.0.1:7411", "default"], ["always-draft", "false", "default"],
                ["token-file", "(not set)", "default"], ["token", "(hidden)", "PACELINE_TOKEN"],
                ["api-key", "(hidden)", "PACELINE_API_KEY"],
            ] {
                #expect(lines.contains(expected), "\(expected) in \(result.output)")
            }
            #expect(!result.output.contains(Self.secret))
        }

        @Test("--check --json prints one object")
        func json() async throws {
            struct Setting: Decodable {
                let origin: String
            }
            let settings = try await CommandResult.json(
                [String: Setting].self,
                of: ["worker", "-md", "ngram", "--connect", "127.0.0.1:1", "--check", "--json"]
            )
            #expect(settings["model-draft"]?.origin == "command line" && settings["slots"]?.origin == "default")
        }

        @Test(
            "--check ends with the first error, and names the origin of what is wrong",
            arguments: [
                ("slots: 0", "--slots must be from 1 to 256, not 0 (--slots comes from "),
                ("slotz: 1", "did you mean \"slots\"?"), ("model: /nowhere.gguf", "/nowhere.gguf"),
                ("context: 100000", "--context asks for 100000 tokens"), ("token-file: /nowhere", "/nowhere"),
                ("http: 0.0.0.0:8080", "0.0.0.0:8080"), ("listen: 0.0.0.0:7411", "0.0.0.0:7411"),
            ] as [(String, String)]
        )
        func faults(text: String, words: String) async throws {
            let model = text.hasPrefix("model") ? "" : "model: \(TestModels.tiny)\n"
            let result = try await CommandResult.of("verifier", "--config", try Self.settings(model + text), "--check")
            #expect(result.status != 0 && result.output.isEmpty)
            #expect(result.errors.contains(words), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1)
        }

        @Test("a verifier runs with settings of a file, and writes its log as JSON")
        func runs() async throws {
            let path = try Self.settings(
                "model: \(TestModels.tiny)\nlisten: 127.0.0.1:0\nhttp: 127.0.0.1:0\nlog-format: json\n"
            )
            let verifier = try TestProcess(["verifier", "--config", path, "--announce"])
            try await verifier.waitForOutput { $0.contains("\"ready\"") ? true : nil }
            verifier.send(SIGTERM)
            #expect(try await verifier.exit() == 0)
            let lines = verifier.errors.split(separator: "\n")
            #expect(!lines.isEmpty)
            for line in lines {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?["label"] as? String == "paceline.verifier", "\(line)")
            }
        }

        @Test("a verifier that cannot start says so in the log's format")
        func failsAsJSON() async throws {
            let result = try await CommandResult.of("verifier", "-m", "/nowhere.gguf", "--log-format", "json")
            #expect(result.status == 1)
            let object = try JSONSerialization.jsonObject(with: Data(result.errors.utf8)) as? [String: Any]
            #expect(object?["level"] as? String == "error")
            #expect((object?["message"] as? String)?.contains("/nowhere.gguf") == true, "\(result.errors)")
        }

        @Test("generate's processes see none of the settings in its environment")
        func children() async throws {
            let result = try await CommandResult.of(
                ["generate", "-m", TestModels.tiny, "-p", "x", "-n", "2", "--workers", "1"],
                environment: [
                    "PACELINE_CONFIG": "/nowhere", "PACELINE_CONTEXT": "0", "PACELINE_LOG_FORMAT": "none",
                    "PACELINE_SLOTS": "0",
                ]
            )
            #expect(result.status == 0, "\(result.errors)")
        }

        @Test("--version names the commit, the versions of the link and the definition of the kernels")
        func version() async throws {
            let result = try await CommandResult.of("--version")
            let lines = result.output.split(separator: "\n")
            #expect(result.status == 0)
            #expect(
                lines.map { $0.prefix { $0 != ":" } } == [
                    "paceline \(PacelineVersion.current)", "commit", "versions of the draft link",
                    "definition of the kernels",
                ]
            )
            #expect(lines.contains("versions of the draft link: 1, 2"))
        }
    }
}
