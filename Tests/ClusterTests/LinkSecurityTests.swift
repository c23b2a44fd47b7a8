import Foundation
import Glibc
import NIOCore
import NIOPosix
import PacelineCluster
import PacelineServer
import Testing

extension ClusterSuite {
    /// Authentication of the draft link, with real processes, files and certificates.
    @Suite("Link security", .serialized, .timeLimit(.minutes(5)))
    struct LinkSecurityTests {
        private static let request = CompletionRequest.sampled("the cat sat on the mat and", tokens: 120, seed: 3)
        private static let secret = "0123456789abcdef0123456789abcdef"

        /// A file with this text and mode.
        private static func tokenFile(_ text: String, mode: Int = 0o600) throws -> String {
            let path = try TestFiles.file(Array(text.utf8), name: "token")
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            return path
        }

        /// The certificates that `Deploy/certs.sh` makes in a new folder.
        private static func certificates() throws -> URL {
            let folder = try TestFiles.directory(named: "certificates")
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Deploy/certs.sh")
            let process = Process()
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = [script.path, folder.path]
            process.standardOutput = Pipe()
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
            return folder
        }

        private static func options(_ holder: String, in folder: URL) -> [String] {
            let path = { (name: String) in folder.appending(path: name).path }
            return [
                "--tls-ca", path("ca.pem"), "--tls-certificate", path("\(holder).pem"),
                "--tls-key", path("\(holder)-key.pem"),
            ]
        }

        /// Compares a cluster's tokens with those of a verifier alone, until the worker has contributed.
        private static func checkIdentity(_ cluster: TestCluster, _ worker: TestProcess) async throws {
            let plain = try await TestCluster(TestModels.tiny)
            try await cluster.waitForWorkers(1)
            for seed in 1...40 as ClosedRange<UInt64> {
                var request = Self.request
                request.seed = seed
                let (expected, found) = (try await plain.generate(request), try await cluster.generate(request))
                #expect(found.tokens == expected.tokens && expected.tokens.count == 120)
                if try await cluster.client.workers().contains(where: { $0.numAcceptedTokens > 0 }) { return }
            }
            Issue.record("the worker contributed nothing: \(worker.errors)")
        }

        @Test("A shared token, from a file or the environment, changes no token of the text")
        func token() async throws {
            let file = try Self.tokenFile(Self.secret + "\n")
            let cluster = try await TestCluster(TestModels.tiny, "--token-file", file, "--always-draft")
            let worker = try cluster.startWorker([TestModels.tinyDrafter], environment: ["PACELINE_TOKEN": Self.secret])
            try await Self.checkIdentity(cluster, worker)
        }

        @Test("Mutual TLS changes no token of the text")
        func certificates() async throws {
            let folder = try Self.certificates()
            let files = Self.options("verifier", in: folder)
            let cluster = try await TestCluster(
                TestModels.tiny,
                options: files + ["--tls-allow-san", "URI:paceline://worker", "--always-draft"]
            )
            let worker = try cluster.startWorker([TestModels.tinyDrafter], Self.options("worker", in: folder))
            try await Self.checkIdentity(cluster, worker)
        }

        @Test("A worker with another token or none gets the reason, and ends with it")
        func wrongToken() async throws {
            let file = try Self.tokenFile(Self.secret)
            let cluster = try await TestCluster(TestModels.tiny, "--token-file", file, "--log-level", "info")
            let other = try Self.tokenFile("another secret, just as long as it")
            for (options, reason) in [
                (["--token-file", other], "the worker's shared token is not the verifier's"),
                ([], "asks for a shared token and the worker has none"),
            ] {
                let worker = try cluster.startWorker(["ngram"], options)
                #expect(try await worker.exit() == 1)
                #expect(worker.errors.contains(reason), "\(worker.errors)")
                #expect(cluster.verifier.errors.contains(reason), "\(cluster.verifier.errors)")
            }
            #expect(try await cluster.client.workers().isEmpty)
            #expect(cluster.verifier.isRunning)
        }

        @Test("A worker with a certificate of another authority gets the reason, and ends with it")
        func wrongCertificate() async throws {
            let (ours, theirs) = (try Self.certificates(), try Self.certificates())
            let files = Self.options("verifier", in: ours)
            let cluster = try await TestCluster(TestModels.tiny, options: files + ["--log-level", "info"])
            // It trusts the verifier's authority, but has its own certificate from elsewhere.
            var options = Self.options("worker", in: theirs)
            options[1] = files[1]
            let worker = try cluster.startWorker(["ngram"], options)
            #expect(try await worker.exit() == 1)
            #expect(worker.errors.contains("has not signed this side's certificate"), "\(worker.errors)")
            #expect(cluster.verifier.errors.contains("was not signed by the authority"), "\(cluster.verifier.errors)")
        }

        @Test("A worker keeps trying if the verifier only lacks TLS, and the verifier's log names the worker's TLS")
        func tlsAgainstPlain() async throws {
            let cluster = try await TestCluster(TestModels.tiny, "--log-level", "info")
            let worker = try cluster.startWorker(["ngram"], Self.options("worker", in: try Self.certificates()))
            while !worker.errors.contains("trying again") { try await Task.sleep(for: .milliseconds(5)) }
            #expect(worker.isRunning)
            #expect(cluster.verifier.errors.contains("the peer speaks TLS"), "\(cluster.verifier.errors)")
        }

        @Test("A public address is refused before the model is loaded, and the message names the way out")
        func reach() async throws {
            let closed = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
            for (options, reason) in [
                (["--listen", "0.0.0.0:0", "--http", "127.0.0.1:0"], "share a token with them"),
                (["--listen", "[::]:0", "--http", "127.0.0.1:0"], "share a token with them"),
                (["--listen", "127.0.0.1:0", "--http", "0.0.0.0:0"], "--allow-unauthenticated-http"),
                (closed + ["--token-file", try Self.tokenFile(Self.secret, mode: 0o644)], "chmod 600"),
                (closed + ["--token-file", try Self.tokenFile("short")], "must have 16 to 4096"),
                (closed + ["--tls-ca", "ca.pem"], "name all three"),
                (closed + ["--tls-allow-san", "worker"], "--tls-allow-san needs"),
            ] {
                let result = try await CommandResult.of(["verifier", "-m", TestModels.tiny] + options)
                #expect(result.status != 0)
                #expect(result.errors.contains(reason), "\(options): \(result.errors)")
            }
        }

        @Test(
            "A public address is accepted with a token, and a public --http with a key or the flag",
            arguments: [
                (["--allow-unauthenticated-http"], "may use the model"), (["--api-key", "k"], "travel to"),
            ]
        )
        func reachAllowed(options: [String], warning: String) async throws {
            let file = try Self.tokenFile(Self.secret)
            let verifier = try TestProcess(
                [
                    "verifier", "-m", TestModels.tiny, "--listen", "0.0.0.0:0", "--http", "0.0.0.0:0", "--announce",
                    "--exit-with-parent", "--token-file", file,
                ] + options
            )
            _ = try await verifier.waitForOutput { $0.contains(#""event":"ready""#) ? true : nil }
            while !verifier.errors.contains(warning) { try await Task.sleep(for: .milliseconds(5)) }
            #expect(verifier.errors.contains("may use the model") == options.contains("--allow-unauthenticated-http"))
            verifier.send(SIGTERM)
            #expect(try await verifier.exit() == 0)
        }

        @Test("Hundreds of near-silent connections hold up neither requests nor workers, and do not pile up")
        func slowloris() async throws {
            let file = try Self.tokenFile(Self.secret)
            let cluster = try await TestCluster(TestModels.tiny, "--token-file", file)
            let plain = try await cluster.generate(Self.request)
            let crowd = try await Self.crowd(of: 300, at: cluster.drafts)
            let beside = try await cluster.generate(Self.request)
            #expect(plain.tokens == beside.tokens)
            // Its connection comes from the same address as the crowd's.
            let worker = try cluster.startWorker(["ngram"], ["--token-file", file])
            for channel in crowd { channel.writeAndFlush(ByteBuffer(bytes: [0xf7]), promise: nil) }
            try await cluster.waitForWorkers(1)
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(cluster.verifier.pid)/fd").count
            #expect(open < 200, "\(open) descriptors are open")
            #expect(worker.isRunning && cluster.verifier.isRunning)
            for channel in crowd { channel.close(promise: nil) }
        }

        private static func crowd(of count: Int, at address: Endpoint) async throws -> [any Channel] {
            var channels: [any Channel] = []
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            for _ in 0..<count {
                channels.append(try await bootstrap.connect(host: address.host, port: address.port).get())
            }
            return channels
        }
    }
}
