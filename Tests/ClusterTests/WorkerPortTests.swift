import Foundation
import FoundationNetworking
import Glibc
import PacelineCluster
import PacelineServer
import PacelineTestKit
import Testing

extension ClusterSuite {
    @Suite("A worker's port", .serialized, .timeLimit(.minutes(2)))
    struct WorkerPortTests {
        /// A worker with a port of its own.
        private struct Ported {
            let process: TestProcess
            let address: String

            init(_ arguments: [String]) async throws {
                let line = ["worker", "--http", "127.0.0.1:0", "--announce", "--exit-with-parent", "-t", "1"]
                process = try TestProcess(line + arguments)
                address = try await process.waitForOutput { output in
                    output.firstMatch(of: #/"http":"([^"]+)"/#).map { String($0.1) }
                }
            }

            func get(_ path: String) async throws -> (status: Int, body: String) {
                let url = try #require(URL(string: "http://\(address)\(path)"))
                let (data, response) = try await URLSession.shared.data(from: url)
                return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
            }

            func figure(_ name: String) async throws -> Double? {
                let text = try await get("/metrics").body
                let line = text.split(separator: "\n").first { $0.hasPrefix("\(name){") || $0.hasPrefix("\(name) ") }
                return line?.split(separator: " ").last.flatMap { Double($0) }
            }

            func wait(for status: Int, at path: String) async throws {
                while try await get(path).status != status { try await Task.sleep(for: .milliseconds(10)) }
            }
        }

        @Test func aWorkerIsHealthyWhileItIsConnectedAndSaysWhyOtherwise() async throws {
            let cluster = try await TestCluster(TestModels.tiny)
            let worker = try await Ported(["--connect", "\(cluster.drafts)", "-md", "ngram"])
            for path in ["/health", "/ready"] { try await worker.wait(for: 200, at: path) }
            cluster.verifier.send(SIGKILL)
            _ = try await cluster.verifier.exit()
            try await worker.wait(for: 503, at: "/health")
            #expect(try await worker.get("/health").body.contains("not connected to \(cluster.drafts): "))
            // Nothing is wrong with the worker itself.
            #expect(try await worker.get("/livez").status == 200)
            #expect(try await worker.figure("paceline_worker_connections_lost_total") == 1)
            #expect(try await worker.figure("paceline_worker_connected_verifiers") == 0)
        }

        @Test func itsFiguresTellWhatItDraftedAndWhatWasAccepted() async throws {
            // A model this small has answered before a worker's first tree comes, unless passes wait for it.
            let cluster = try await TestCluster(TestModels.tiny, "--drafting", "stop-and-wait", "--draft-wait", "1s")
            let worker = try await Ported(["--connect", "\(cluster.drafts)", "-md", TestModels.tiny])
            try await cluster.waitForWorkers(1)
            let outcome = try await cluster.generate(.greedy("a b a b a b", tokens: 40))
            #expect(outcome.acceptedTokens > 0)
            let accepted = try await worker.figure("paceline_worker_accepted_nodes_total")
            // The last verdict, which ends the request, is not told.
            #expect(try #require(accepted) > 0 && #require(accepted) <= Double(outcome.acceptedTokens))
            let drafted = try #require(try await worker.figure("paceline_worker_drafted_nodes_total"))
            let verified = try #require(try await worker.figure("paceline_worker_verified_nodes_total"))
            #expect(drafted >= verified && verified > 0)
            #expect(try #require(try await worker.figure("paceline_worker_drafting_seconds_total")) > 0)
            #expect(try await worker.figure("paceline_worker_opened_sequences_total") == 1)
            #expect(try await worker.figure("paceline_worker_slots") == 8)
        }

        @Test func itsPortAnswersProbesAndFiguresAndNothingElse() async throws {
            let worker = try await Ported(["--connect", "127.0.0.1:9", "-md", "ngram"])
            #expect(try await worker.get("/livez").status == 200)
            #expect(try await worker.get("/metrics").status == 200)
            #expect(try await worker.get("/v1/models").status == 404)
            #expect(try await worker.get("/health").body.contains("nothing listens"))
        }

        @Test func onSIGTERMItsVerifierTakesItsRequestBackAndItEndsWithStatus0() async throws {
            let cluster = try await TestCluster(TestModels.tiny, "--always-draft", "--log-level", "info")
            let leaving = try await Ported(["--connect", "\(cluster.drafts)", "-md", "ngram", "--log-level", "info"])
            try await cluster.waitForWorkers(1)
            let request = CompletionRequest.greedy("a", tokens: 1500)
            let plain = try await cluster.generate(request)
            let drafted = try await cluster.generate(request, atToken: 5) {
                leaving.process.send(SIGTERM)
                #expect(try await leaving.process.exit(within: .seconds(2)) == 0)
                try await cluster.waitForWorkers(0)
            }
            #expect(drafted.tokens == plain.tokens)
            #expect(cluster.verifier.errors.contains("is leaving: the worker is shutting down"))
            // In order: neither side calls the other lost.
            #expect(!cluster.verifier.errors.contains("[warning]") && !leaving.process.errors.contains("lost"))
            #expect(leaving.process.errors.contains("left \(cluster.drafts)"))
        }

        @Test func aWorkerFindsItsVerifierByNameAndCountsItOnce() async throws {
            let cluster = try await TestCluster(TestModels.tiny)
            let name = "dns:localhost:\(cluster.drafts.port)"
            let worker = try await Ported(["--connect", "\(cluster.drafts)", "--discover", name, "-md", "ngram"])
            try await cluster.waitForWorkers(1)
            try await worker.wait(for: 200, at: "/health")
            #expect(try await worker.figure("paceline_worker_connected_verifiers") == 1)
        }

        @Test func aVerifierThatHasAnotherAddressIsServedOnceAndByThatOneWhenTheFirstIsLost() async throws {
            let cluster = try await TestCluster(TestModels.tiny)
            // The same verifier, at addresses of which nobody can see that.
            var ways: [(process: TestProcess, address: String)] = []
            for host in ["127.0.0.2", "127.0.0.3"] {
                let line = ["chaos", "relay", "--listen", "\(host):0", "--connect", "\(cluster.drafts)"]
                let process = try TestProcess(line + ["--announce", "--exit-with-parent"])
                let address = try await process.waitForOutput { output in
                    output.firstMatch(of: #/"relay":"([^"]+)"/#).map { String($0.1) }
                }
                ways.append((process, address))
            }
            let addresses = ways.map(\.address).joined(separator: ",")
            let worker = try await Ported(["--connect", addresses, "-md", "ngram", "--log-level", "info"])
            // The verifier keeps the newer link, and the worker notices why the older one ended.
            var pair: Regex<(Substring, Substring, Substring)>.Match?
            while pair == nil {
                pair = worker.process.errors.firstMatch(of: #/(\S+) and (\S+) are one verifier, which is connected/#)
                try await Task.sleep(for: .milliseconds(10))
            }
            try await cluster.waitForWorkers(1)
            try await worker.wait(for: 200, at: "/health")
            #expect(try await worker.figure("paceline_worker_connected_verifiers") == 1)
            #expect(try await worker.figure("paceline_worker_known_verifiers") == 2)
            let made = try #require(try await worker.figure("paceline_worker_connections_made_total"))
            let used = try #require(ways.first { $0.address == pair?.2 ?? "" })
            used.process.send(SIGKILL)
            _ = try await used.process.exit()
            // The address that stood by is used from now on.
            var figures: [Double?] = []
            while figures != [made + 1, 1] {
                figures = [
                    try await worker.figure("paceline_worker_connections_made_total"),
                    try await worker.figure("paceline_worker_connected_verifiers"),
                ]
                try await Task.sleep(for: .milliseconds(10))
            }
            try await cluster.waitForWorkers(1)
        }

        @Test func aWorkerThatFindsNobodySaysSo() async throws {
            let worker = try await Ported(["--discover", "dns:no-such-host.invalid:1", "-md", "ngram"])
            try await worker.wait(for: 503, at: "/health")
            #expect(try await worker.get("/health").body.contains("no verifier has been found yet"))
        }

        @Test func withoutAVerifierOnTheCommandLineTheWayOutIsNamed() async throws {
            let result = try await CommandResult.of("worker", "-md", "ngram")
            #expect(result.status != 0 && result.errors.contains("--connect must name a verifier"))
        }
    }
}
