import Foundation
import Glibc
import PacelineTestKit
import Testing

extension ClusterSuite {
    @Suite("Signals", .serialized, .timeLimit(.minutes(2)))
    struct SignalTests {
        @Test(
            "Whatever ends generate, in mid-generation or while it loads, ends all its processes",
            arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129), (SIGKILL, 137)] as [(Int32, Int32)],
            [true, false]
        )
        func ends(signal: (number: Int32, status: Int32), waitsForText: Bool) async throws {
            let process = try TestProcess([
                "generate", "-m", TestModels.smollm2, "-p", "Once", "-n", "4000", "--ignore-eos", "--workers", "2",
            ])
            if waitsForText { _ = try await process.waitForOutput { $0.isEmpty ? nil : true } }
            var family: [pid_t] = []
            while family.count < (waitsForText ? 3 : 1), process.isRunning {
                family = ProcessTable.descendants(of: process.pid)
                try await Task.sleep(for: .milliseconds(5))
            }
            process.send(signal.number)
            #expect(try await process.exit() == signal.status)
            // In order, they are gone before their parent is; killed, it can only leave them the end of their input.
            if signal.number != SIGKILL { #expect(family.filter(ProcessTable.isAlive) == []) }
            while family.contains(where: ProcessTable.isAlive) { try await Task.sleep(for: .milliseconds(5)) }
        }

        @Test(
            "A verifier and a worker end well when they are told to, requests running or not",
            arguments: [SIGINT, SIGTERM]
        )
        func services(signal: Int32) async throws {
            let cluster = try await TestCluster(TestModels.tiny)
            let worker = try cluster.startWorker(["ngram"])
            try await cluster.waitForWorkers(1)
            worker.send(signal)
            #expect(try await worker.exit() == 0)
            try await cluster.waitForWorkers(0)
            await #expect(throws: (any Error).self) {
                _ = try await cluster.generate(.greedy("a", tokens: 2000), atToken: 5) { cluster.verifier.send(signal) }
            }
            #expect(try await cluster.verifier.exit() == 0)
        }

        @Test("When the verifier is killed, generate says so and leaves nothing behind")
        func verifierKilled() async throws {
            let process = try TestProcess([
                "generate", "-m", TestModels.tiny, "-p", "the", "-n", "2000", "--ignore-eos", "--workers", "1",
            ])
            _ = try await process.waitForOutput { $0.isEmpty ? nil : true }
            let family = ProcessTable.descendants(of: process.pid)
            let verifier = try #require(family.first { ProcessTable.arguments(of: $0).contains("verifier") })
            kill(verifier, SIGKILL)
            #expect(try await process.exit() == 1)
            #expect(process.errors.contains("went away before the text ended"))
            #expect(family.filter(ProcessTable.isAlive) == [])
        }

        @Test("generate leaves nothing behind when its reader goes away")
        func brokenPipe() async throws {
            let model = try TestFiles.file(TinyModel().serialised(), name: "reader.gguf")
            let shell = Process()
            shell.executableURL = URL(filePath: "/bin/sh")
            let command = "'\(TestProcess.binary.path)' generate -m '\(model)' -p the -n 2000 --ignore-eos --workers 1"
            shell.arguments = ["-c", "\(command) 2>/dev/null | head -c 1 >/dev/null"]
            try shell.run()
            while ProcessTable.withArgument(model).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
            while shell.isRunning { try await Task.sleep(for: .milliseconds(5)) }
            while !ProcessTable.withArgument(model).isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        }
    }
}
