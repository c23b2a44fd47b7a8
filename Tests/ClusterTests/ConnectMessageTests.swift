import Foundation
import Glibc
import NIOCore
import NIOPosix
import PacelineCluster
import Testing

extension ClusterSuite {
    /// What processes say of connections that cannot be made, with real causes.
    @Suite("Messages about connections", .timeLimit(.minutes(5)))
    struct ConnectMessageTests {
        private static func waitForError(_ part: String, of process: TestProcess) async throws {
            while !process.errors.contains(part) {
                try #require(process.isRunning, "\(process.errors)")
                try await Task.sleep(for: .milliseconds(5))
            }
        }

        /// An address at which nobody listens.
        private static func closedPort() async throws -> Endpoint {
            let group = MultiThreadedEventLoopGroup.singleton
            let listener = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(listener.localAddress?.port)
            try await listener.close()
            return Endpoint(host: "127.0.0.1", port: port)
        }

        @Test("A worker whose verifier is not up says that nothing listens there, and when it tries again")
        func refused() async throws {
            let address = try await Self.closedPort()
            let worker = try TestProcess(["worker", "--connect", "\(address)", "-md", "ngram", "--exit-with-parent"])
            // The first wait is 0.1 s, a fifth up or down.
            try await Self.waitForError("nothing listens at \(address); trying again in 0.1 s", of: worker)
            #expect(!worker.errors.contains("errno") && !worker.errors.contains("Error"), "\(worker.errors)")
            worker.send(SIGTERM)
            #expect(try await worker.exit() == 0)
        }

        @Test("A worker whose verifier has an unknown name says so, and keeps trying")
        func unknownHost() async throws {
            let worker = try TestProcess(
                ["worker", "--connect", "no-such-host.invalid:7411", "-md", "ngram", "--exit-with-parent"]
            )
            let sentence = "the host of no-such-host.invalid:7411 is unknown; check its spelling and the name server"
            try await Self.waitForError("\(sentence); trying again in", of: worker)
        }

        @Test("A worker that may open no more files says how to let it, and goes on when it may")
        func tooManyFiles() async throws {
            let address = try await Self.closedPort()
            let worker = try TestProcess(["worker", "--connect", "\(address)", "-md", "ngram", "--exit-with-parent"])
            try await Self.waitForError("nothing listens", of: worker)
            try Self.limitFiles(of: worker, to: 1)
            let sentence = "cannot connect to \(address): no more files may be opened; raise the limit (ulimit -n)"
            try await Self.waitForError(sentence, of: worker)
            try Self.limitFiles(of: worker, to: 256)
            let (said, refusal) = (worker.errors, "nothing listens at \(address)")
            while !worker.errors.dropFirst(said.count).contains(refusal) {
                try #require(worker.isRunning)
                try await Task.sleep(for: .milliseconds(5))
            }
        }

        @Test("A verifier that may open no more files says how to let it, now and then, and goes on")
        func tooManyFilesToAccept() async throws {
            let cluster = try await TestCluster(TestModels.tiny)
            try Self.limitFiles(of: cluster.verifier, to: 1)
            let group = MultiThreadedEventLoopGroup.singleton
            let stranger = try await ClientBootstrap(group: group)
                .connect(host: cluster.drafts.host, port: cluster.drafts.port)
                .get()
            let sentence =
                "a connection could not be accepted: no more files may be opened; raise the limit (ulimit -n)"
            var count = 0
            while count < 2 {
                try await Task.sleep(for: .milliseconds(5))
                count = cluster.verifier.errors.components(separatedBy: sentence).count - 1
            }
            // It pauses between attempts, which would otherwise fill the log by the thousand.
            #expect(count < 10)
            try await stranger.close()
            try Self.limitFiles(of: cluster.verifier, to: 256)
            #expect(try await cluster.isReady())
        }

        @Test("A relay whose upstream is not there says so in a sentence")
        func relay() async throws {
            let address = try await Self.closedPort()
            let relay = try TestProcess(
                [
                    "chaos", "relay", "--listen", "127.0.0.1:0", "--connect", "\(address)", "--exit-with-parent",
                    "--json",
                ]
            )
            let ready = try await relay.waitForOutput { $0.firstMatch(of: #/"relay":"127.0.0.1:(\d+)"/#) }
            let port = try #require(Int(ready.1))
            let group = MultiThreadedEventLoopGroup.singleton
            let client = try await ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).get()
            try await Self.waitForError("nothing listens at \(address)", of: relay)
            try? await client.close()
        }

        /// Changes how many files a running process may have open; those it has stay open.
        private static func limitFiles(of process: TestProcess, to count: Int) throws {
            let command = Process()
            command.executableURL = URL(filePath: "/usr/bin/prlimit")
            command.arguments = ["--pid", "\(process.pid)", "--nofile=\(count):"]
            try command.run()
            command.waitUntilExit()
            try #require(command.terminationStatus == 0)
        }
    }
}
