import Glibc
import PacelineTestKit
import Testing

extension ClusterSuite {
    /// Whenever a signal comes, the process ends. `Tests/Measurements/signals.py` repeats this thousands of times.
    ///
    /// Foundation starts processes with all signals blocked, as in its Dispatch threads. So these tests also show that
    /// a command does not depend on the signal mask that its parent passes on.
    @Suite("Lost signals", .serialized, .timeLimit(.minutes(3)))
    struct SignalLossTests {
        /// A command that runs until a signal ends it.
        struct Command: Sendable, CustomTestStringConvertible {
            var arguments: [String]
            /// The text on standard output that shows that it is up, or far enough for another signal; nil if it
            /// prints nothing.
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
            // A model that takes some time to load.
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
            Command(arguments: ["chaos", "serve", "--port", "0", "--announce"], sign: "\"ready\""),
            Command(
                arguments: ["generate", "-m", tiny, "-p", "a", "-n", "2000", "--ignore-eos", "--workers", "1"],
                sign: ""
            ),
            Command(arguments: ["simulate", "--seeds", "1..1000000"]),
            Command(arguments: ["bench", "engine", "-m", tiny, "--contexts", "64,512", "--repeats", "100"]),
        ]

        /// Enough of each kind to find a loss rate of one in twenty almost always.
        private static let runs = 50
        private static let atOnce = 4
        private static let longestDelay = Duration.milliseconds(60)

        @Test("No signal during a command's start is lost", arguments: commands)
        func whileStarting(command: Command) async throws {
            try await expectNoLoss(of: command, waitsForSign: false)
        }

        @Test("No signal after a command's start is lost", arguments: commands.filter { $0.sign != nil })
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
            // By the default action or in order: a service with status 0, others with 128 + the signal.
            #expect(
                status == 0 || status == 128 + number,
                "signal \(number) after \(delay): \(status.map { "\($0)" } ?? "lost") \(process.errors)"
            )
        }
    }
}
