import Foundation
import Glibc
import NIOCore
import NIOPosix
import PacelineCluster
import PacelineServer
import Testing

extension ClusterSuite {
    /// Peers at the worker port that are not workers.
    @Suite("Strangers at the worker port", .timeLimit(.minutes(2)))
    struct StrangerTests {
        /// What a stranger sends, and part of the logged reason.
        private static let openings: [(bytes: [UInt8], reason: String)] = [
            (Array("GET / HTTP/1.1\r\nhost: x\r\n\r\n".utf8), "does not speak Paceline's protocol"),
            ([UInt8](repeating: 0, count: 4096), "does not speak Paceline's protocol"),
            ([UInt8](repeating: 0xFF, count: 100_000), "does not speak Paceline's protocol"),
        ]

        @Test("They are disconnected with a logged reason, and a running request is not affected")
        func strangers() async throws {
            let cluster = try await TestCluster(TestModels.smollm2, "--log-level", "info")
            let request = CompletionRequest.sampled("Once upon a time", tokens: 120, seed: 5)
            let plain = try await cluster.generate(request)
            let worker = try cluster.startWorker(["ngram"])
            try await cluster.waitForWorkers(1)
            let vectors = try Self.invalidFrames()
            #expect(vectors.count > 10)
            let beside = try await cluster.generate(request, atToken: 10) {
                for opening in Self.openings.map(\.bytes) + vectors {
                    try await Self.knock(at: cluster.drafts, with: opening)
                }
            }
            #expect(plain.tokens == beside.tokens)
            for (_, reason) in Self.openings { #expect(cluster.verifier.errors.contains(reason)) }
            #expect(cluster.verifier.errors.contains("checksum"), "\(cluster.verifier.errors)")
            #expect(worker.isRunning && cluster.verifier.isRunning)
            #expect(try await cluster.client.workers().count == 1)
        }

        /// Sends bytes and waits until the verifier closes the connection.
        private static func knock(at address: Endpoint, with bytes: [UInt8]) async throws {
            let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            do {
                try await connection.executeThenClose { inbound, outbound in
                    try await outbound.write(ByteBuffer(bytes: bytes))
                    for try await _ in inbound {}
                }
            } catch let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode) {
                // The verifier closed with bytes unread.
            }
        }

        /// The frames that every implementation must refuse, from the protocol's own vectors.
        private static func invalidFrames() throws -> [[UInt8]] {
            let package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
            let folder = package.appending(path: "Protocols/vectors/invalid")
            return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).map {
                file in
                try String(contentsOf: file, encoding: .utf8).split(separator: "\n").flatMap { line in
                    line.prefix { $0 != "#" }.split(separator: " ").compactMap { UInt8($0, radix: 16) }
                }
            }
        }
    }
}
