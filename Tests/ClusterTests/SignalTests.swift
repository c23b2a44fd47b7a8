import Foundation
import Glibc
import PacelineServer
import PacelineTestKit
import Testing

extension ClusterSuite {
    @Suite("Signals", .serialized, .timeLimit(.minutes(2)))
    struct SignalTests {
        @Test(
            "Any signal that ends generate, in mid-generation or while loading, ends all its processes",
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
            // If it ends in order, they end before it does. If it is killed, only the end of their input tells them.
            if signal.number != SIGKILL { #expect(family.filter(ProcessTable.isAlive) == []) }
            while family.contains(where: ProcessTable.isAlive) { try await Task.sleep(for: .milliseconds(5)) }
        }

        @Test("An interrupted verifier or worker ends soon with status 0, with or without running requests")
        func services() async throws {
            let cluster = try await TestCluster(TestModels.tiny)
            let worker = try cluster.startWorker(["ngram"])
            try await cluster.waitForWorkers(1)
            worker.send(SIGINT)
            #expect(try await worker.exit() == 0)
            try await cluster.waitForWorkers(0)
            await #expect(throws: (any Error).self) {
                _ = try await cluster.generate(.greedy("a", tokens: 2000), atToken: 5) { cluster.verifier.send(SIGINT) }
            }
            #expect(try await cluster.verifier.exit() == 0)
        }

        @Test(
            "On SIGTERM a verifier is no longer ready, refuses requests, finishes running ones, and tells its workers"
        )
        func drains() async throws {
            let cluster = try await TestCluster(TestModels.tiny)
            let worker = try cluster.startWorker(["ngram"], ["--log-level", "info"])
            try await cluster.waitForWorkers(1)
            let request = CompletionRequest.greedy("a", tokens: 1500)
            let plain = try await cluster.generate(request)
            #expect(try await cluster.isReady())
            let drained = try await cluster.generate(request, atToken: 5) {
                cluster.verifier.send(SIGTERM)
                while try await cluster.isReady() {}
                let refusal = await #expect(throws: ServerClientError.self) {
                    _ = try await cluster.generate(.greedy("b", tokens: 1))
                }
                guard case .refused(status: 503, _) = refusal else {
                    Issue.record("not refused but \(String(describing: refusal))")
                    return
                }
            }
            #expect(drained.tokens == plain.tokens && drained.final?.usage?.completionTokens == 1500)
            #expect(try await cluster.verifier.exit() == 0)
            while !worker.errors.contains("is leaving: the verifier drains") {
                try await Task.sleep(for: .milliseconds(5))
            }
            worker.send(SIGTERM)
            #expect(try await worker.exit() == 0)
        }

        @Test("A request that outlasts the grace period of SIGTERM fails, and a second signal fails all at once")
        func graceIsOver() async throws {
            for options in [["--grace", "0"], ["--grace", "3600s"]] {
                let cluster = try await TestCluster(TestModels.tiny, options: options)
                await #expect(throws: ServerClientError.self) {
                    _ = try await cluster.generate(.greedy("a", tokens: 2000), atToken: 5) {
                        cluster.verifier.send(SIGTERM)
                        guard options[1] != "0" else { return }
                        while try await cluster.isReady() {}
                        cluster.verifier.send(SIGTERM)
                    }
                }
                #expect(try await cluster.verifier.exit() == 0)
            }
        }

        @Test("If the verifier is killed, generate reports it and leaves no process behind")
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

        @Test("generate leaves no process behind when its reader goes away")
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
