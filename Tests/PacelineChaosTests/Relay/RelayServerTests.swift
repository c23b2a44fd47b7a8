import Logging
import NIOCore
import NIOPosix
import PacelineCluster
import PacelineSpeculation
import Testing

@testable import PacelineChaos

@Suite("A relay on loopback", .timeLimit(.minutes(1)))
struct RelayServerTests {
    private static let toxics = [
        Toxic.latency(.milliseconds(3), jitter: .milliseconds(2)), .bandwidth(bytesPerSecond: 50_000_000),
    ]

    @Test("passes on every byte both ways, and the end of each direction separately", arguments: [2000, 1 << 20])
    func transfer(bufferBytes: Int) async throws {
        let upstream = try await Upstream.start { Array($0.reversed()) }
        try await withRelay(to: upstream, bufferBytes: bufferBytes) { relay in
            var random = SplitMix(seed: 5)
            let bytes = (0..<500_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let answer = try await Upstream.ask(relay.endpoint, bytes)
            #expect(answer == bytes.reversed())
            let statistics = try await relay.statistics()
            #expect(statistics.connections == 1)
            for direction in [statistics.upstream, statistics.downstream] {
                #expect(direction.bytes == bytes.count)
                #expect(direction.peakHeld <= bufferBytes)
                #expect((direction.shortestDelay ?? .zero) >= .milliseconds(1))
            }
        }
        try await upstream.stop()
    }

    @Test("passes on the end of the upstream's direction while the client still sends")
    func upstreamEndsFirst() async throws {
        let received = AsyncStream.makeStream(of: [UInt8].self)
        let upstream = try await Upstream.start(greeting: [7, 8, 9]) { bytes in
            received.continuation.yield(bytes)
            return []
        }
        try await withRelay(to: upstream) { relay in
            let bytes = [UInt8](repeating: 5, count: 50_000)
            let greeting = try await Upstream.hear(relay.endpoint, thenSend: bytes)
            #expect(greeting == [7, 8, 9])
            #expect(await received.stream.first { _ in true } == bytes)
        }
        try await upstream.stop()
    }

    @Test("serves connections side by side")
    func several() async throws {
        let upstream = try await Upstream.start { $0 + [0] }
        try await withRelay(to: upstream) { relay in
            let endpoint = relay.endpoint
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 1...10 {
                    let bytes = [UInt8](repeating: UInt8(index), count: 1000 * index)
                    group.addTask { try await Upstream.ask(endpoint, bytes) == bytes + [0] }
                }
                for try await isRight in group { #expect(isRight) }
            }
            let statistics = try await relay.statistics()
            #expect(statistics.connections == 10)
        }
        try await upstream.stop()
    }

    @Test("closes a client's connection if the upstream cannot be reached")
    func noUpstream() async throws {
        let upstream = try await Upstream.start { $0 }
        try await upstream.stop()
        try await withRelay(to: upstream) { relay in
            let answer = try? await Upstream.ask(relay.endpoint, [1, 2, 3])
            #expect(answer == nil || answer == [])
            let statistics = try await relay.statistics()
            #expect(statistics.failed == 1 && statistics.connections == 0)
        }
    }

    @Test("refuses connections beyond its limit")
    func limit() async throws {
        let upstream = try await Upstream.start { $0 }
        try await withRelay(to: upstream, connectionLimit: 0) { relay in
            let answer = try? await Upstream.ask(relay.endpoint, [1])
            #expect(answer == nil || answer == [])
            let statistics = try await relay.statistics()
            #expect(statistics.refused == 1)
        }
        try await upstream.stop()
    }

    @Test("listens beyond loopback only when told to")
    func remote() async throws {
        let everywhere = Endpoint(host: "0.0.0.0", port: 0)
        await #expect(throws: RelayError.remote("0.0.0.0:0")) {
            _ = try await RelayServer.start(
                RelayConfiguration(),
                listen: everywhere,
                target: everywhere,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
        }
    }

    private func withRelay(
        to upstream: Upstream,
        bufferBytes: Int = 1 << 16,
        connectionLimit: Int = 16,
        _ body: (RelayServer) async throws -> Void
    ) async throws {
        var configuration = RelayConfiguration()
        (configuration.upstream, configuration.downstream) = (Self.toxics, Self.toxics)
        configuration.bufferBytes = bufferBytes
        configuration.connectionLimit = connectionLimit
        let relay = try await RelayServer.start(
            configuration,
            listen: Endpoint(host: "127.0.0.1", port: 0),
            target: upstream.endpoint,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        do {
            try await body(relay)
        } catch {
            _ = try await relay.shutdown()
            throw error
        }
        _ = try await relay.shutdown()
    }
}
