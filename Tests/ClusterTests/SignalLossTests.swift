import Glibc
import PacelineTestKit
import Testing

extension ClusterSuite {
    /// Whenever a signal comes, the process ends. `Tests/Measurements/signals.py` asks the same thousands of times.
    ///
    /// Foundation starts the processes with all signals blocked, as a thread of Dispatch's has them: so these tests
    /// show as well that a command does not rely on what its parent leaves it.
    @Suite("Lost signals", .serialized, .timeLimit(.minutes(3)))
    struct SignalLossTests {
        /// A command that runs until it is told to end.
        struct Command: Sendable, CustomTestStringConvertible {
            var arguments: [String]
            /// What it writes to standard output when it is up, or far enough to be asked again; nil if it says
            /// nothing.
            var sign: String?

            var testDescription: String { arguments.prefix(2).joined(separator: " ") }
        }

        private static let anywhere = "127.0.0.1:0"
        private static let tiny = TestModels.tiny
        private static let commands = [
            Command(
                arguments: ["verifier", "-m", tiny, "--listen", anywhere, "--http", anywhere, "--announce"],
                sign: "\"ready\""
            ),
            // A model that takes a while to load.
            Command(
                arguments: ["verifier", "--announce", "-m", TestModels.smollm2, "--listen", anywhere]
                    + ["--http", anywhere],
                sign: "\"progress\""
            ),
            Command(arguments: ["worker", "-md", "ngram", "--connect", "127.0.0.1:9"]),
            Command(
                arguments: ["chaos", "relay", "--listen", anywhere, "--connect", "127.0.0.1:9", "--announce"],
                sign: "\"ready\""
            ),
            Command(
                arguments: ["generate", "-m", tiny, "-p", "a", "-n", "2000", "--ignore-eos", "--workers", "1"],
                sign: ""
            ),
            Command(arguments: ["simulate", "--seeds", "1..1000000"]),
            Command(arguments: ["bench", "engine", "-m", tiny, "--contexts", "64,512", "--repeats", "100"]),
        ]

        /// Enough of each kind to find a loss of one in twenty nearly always.
        private static let runs = 50
        private static let atOnce = 4
        private static let longestDelay = Duration.milliseconds(60)

        @Test("No signal is lost that comes while a command starts", arguments: commands)
        func whileStarting(command: Command) async throws {
            try await expectNoLoss(of: command, waitsForSign: false)
        }

        @Test("No signal is lost that comes once a command is up", arguments: commands.filter { $0.sign != nil })
        func onceUp(command: Command) async throws {
            try await expectNoLoss(of: command, waitsForSign: true)
        }

        private func expectNoLoss(of command: Command, waitsForSign: Bool) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<Self.atOnce {
                    group.addTask {
                        for run in stride(from: lane, to: Self.runs, by: Self.atOnce) {
                            try await Self.signal(command, waitsForSign: waitsForSign, run: run)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }

        private static func signal(_ command: Command, waitsForSign: Bool, run: Int) async throws {
            let number = run.isMultiple(of: 2) ? SIGTERM : SIGINT
            let delay = longestDelay * run / runs
            let process = try TestProcess(command.arguments)
            if waitsForSign, let sign = command.sign {
                try await process.waitForOutput { $0.contains(sign) || (sign.isEmpty && !$0.isEmpty) ? true : nil }
            }
            try await Task.sleep(for: delay)
            process.send(number)
            let status = try await process.exit(within: .seconds(10))
            // By the default action or in order: a service with 0, others as shells have it.
            #expect(
                status == 0 || status == 128 + number,
                "signal \(number) after \(delay): \(status.map { "\($0)" } ?? "lost") \(process.errors)"
            )
        }
    }
}
