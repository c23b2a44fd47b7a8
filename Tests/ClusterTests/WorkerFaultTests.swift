import Glibc
import PacelineServer
import PacelineSpeculation
import Testing

extension ClusterSuite {
    /// Workers that die, come late or lie cost only speed.
    @Suite("Worker faults", .serialized, .timeLimit(.minutes(5)))
    struct WorkerFaultTests {
        private static let request = CompletionRequest.sampled(
            "The river ran past the old mill, and the miller said:",
            tokens: 160,
            seed: 11
        )

        @Test("A worker killed or stopped in mid-generation changes no token", arguments: [SIGKILL, SIGSTOP])
        func lostWorker(signal: Int32) async throws {
            let cluster = try await TestCluster(TestModels.smollm2, "--always-draft")
            let plain = try await cluster.generate(Self.request)
            let victim = try cluster.startWorker([TestModels.smollm2])
            let other = try cluster.startWorker(["ngram"])
            try await cluster.waitForWorkers(2)
            let speculative = try await cluster.generate(Self.request, atToken: 20) { victim.send(signal) }
            #expect(plain.tokens == speculative.tokens && plain.text == speculative.text)
            #expect(speculative.acceptedTokens > 0)
            try await cluster.waitForWorkers(1)
            #expect(other.isRunning)
            victim.send(SIGKILL)
        }

        @Test("A worker that joins in mid-generation helps and changes no token")
        func lateWorker() async throws {
            let cluster = try await TestCluster(TestModels.smollm2, "--always-draft")
            let plain = try await cluster.generate(Self.request)
            var late: TestProcess?
            let speculative = try await cluster.generate(Self.request, atToken: 5) {
                late = try cluster.startWorker([TestModels.smollm2])
                // The client reads nothing meanwhile, and the verifier continues.
                try await cluster.waitForWorkers(1)
            }
            #expect(plain.tokens == speculative.tokens)
            #expect(late?.isRunning == true)
        }

        @Test(
            "A worker that sends random trees and lies about every probability changes no token",
            arguments: ["random", "liar"]
        )
        func lyingWorker(drafter: String) async throws {
            let cluster = try await TestCluster(TestModels.smollm2, "--always-draft")
            let plain = try await cluster.generate(Self.request)
            let liar = try cluster.startWorker([drafter])
            try await cluster.waitForWorkers(1)
            let alone = try await cluster.generate(Self.request)
            #expect(plain.tokens == alone.tokens)
            let honest = try cluster.startWorker([TestModels.smollm2])
            try await cluster.waitForWorkers(2)
            let beside = try await cluster.generate(Self.request)
            #expect(plain.tokens == beside.tokens)
            #expect(liar.isRunning && honest.isRunning)
        }

        @Test("A verifier that waits for every worker verifies a liar's tokens, takes none, and stops believing it")
        func awaitedLiar() async throws {
            let cluster = try await TestCluster(TestModels.smollm2, "--drafting", "stop-and-wait", "--draft-wait", "1s")
            let plain = try await cluster.generate(Self.request)
            let liar = try cluster.startWorker(["liar"])
            try await cluster.waitForWorkers(1)
            let deceived = try await cluster.generate(Self.request)
            #expect(plain.tokens == deceived.tokens)
            #expect((1...32).contains(deceived.draftedTokens))
            #expect(deceived.acceptedTokens <= 1)
            #expect(liar.isRunning)
        }

        @Test("generate itself survives the kill of one of its workers")
        func generateLosesWorker() async throws {
            let arguments = [
                "-m", TestModels.smollm2, "-p", "Once upon a time", "-n", "200", "--ignore-eos", "--temp", "0.8",
            ]
            let plain = try await CommandResult.json(
                GenerateOutput.self,
                of: ["generate", "--json"] + arguments
            )
            let process = try TestProcess(["generate", "--workers", "2", "-md", TestModels.smollm2] + arguments)
            _ = try await process.waitForOutput { $0.count > 20 ? true : nil }
            let worker = try #require(
                ProcessTable.descendants(of: process.pid)
                    .first { ProcessTable.arguments(of: $0).dropFirst().first == "worker" }
            )
            kill(worker, SIGKILL)
            #expect(try await process.exit() == 0)
            #expect(process.output == plain.text + "\n")
            #expect(process.errors.contains("generation goes on without it"))
        }

        @Test("A drafter that cannot be loaded is reported by its worker, and stops only that worker")
        func brokenDrafter() async throws {
            let broken = try TestFiles.file(Array("GGUF".utf8), name: "broken.gguf")
            let result = try await CommandResult.of("worker", "--connect", "127.0.0.1:1", "-md", broken)
            #expect(result.status != 0)
            #expect(result.errors.contains("broken.gguf"))
        }
    }
}
