import Glibc
import PacelineTestKit
import Testing

extension ClusterSuite {
    @Suite("Threads", .timeLimit(.minutes(2)))
    struct ThreadTests {
        private struct EngineReport: Decodable {
            var threads: Int
        }

        private static let tiny = TestModels.tiny

        @Test("A process that may use one CPU computes with one thread by default")
        func affinity() async throws {
            let service = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "info"]
            let verifier = try TestProcess(["verifier", "-m", Self.tiny] + service, onOneCPU: true)
            while !verifier.errors.contains("computing with") { try await Task.sleep(for: .milliseconds(5)) }
            #expect(verifier.errors.contains("on 1 threads"), "\(verifier.errors)")
            verifier.send(SIGTERM)
            #expect(try await verifier.exit() == 0)

            let generate = try TestProcess(
                ["generate", "-m", Self.tiny, "-p", "a", "-n", "4", "--log-level", "info"],
                onOneCPU: true
            )
            #expect(try await generate.exit() == 0)
            #expect(generate.errors.contains("on 1 threads"), "\(generate.errors)")
        }

        @Test(
            "More threads than CPUs cause one warning, whatever else the command starts",
            arguments: [
                ["generate", "-m", tiny, "-p", "a", "-n", "4", "-t", "5", "-td", "6", "--workers", "2", "--json"],
                ["score", "-m", tiny, "-p", "a", "-t", "5", "--json"],
                ["simulate", "--seeds", "1", "--jobs", "5", "--json"],
            ]
        )
        func warns(arguments: [String]) async throws {
            let process = try TestProcess(arguments, onOneCPU: true)
            #expect(try await process.exit() == 0)
            let lines = process.errors.split(separator: "\n")
            #expect(lines.count == 1 && process.errors.hasPrefix("paceline: warning: --"), "\(process.errors)")
            #expect(process.errors.contains(" 5 ") && process.errors.contains("1 CPU that this process may use"))
        }

        @Test("As many threads as CPUs cause no warning")
        func isSilent() async throws {
            let result = try await CommandResult.of("score", "-m", Self.tiny, "-p", "a", "-t", "1", "--json")
            #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
        }
    }
}
