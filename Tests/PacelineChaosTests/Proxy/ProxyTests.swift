import NIOCore
import PacelineCluster
import PacelineSpeculation
import Testing

@testable import PacelineChaos

@Suite("A proxy on loopback", .timeLimit(.minutes(1)))
struct ProxyTests {
    @Test("passes on every byte both ways, and the end of each direction separately")
    func transfer() async throws {
        let upstream = try await Upstream.start { Array($0.reversed()) }
        try await ProxyBench.run { bench in
            let proxy = try await bench.proxy(to: upstream.endpoint)
            let bytes = ChainJournal.bytes(3_000_000)
            #expect(try await Upstream.ask(proxy, bytes) == bytes.reversed())
            let done = try await bench.statistics()
            #expect(done.accepted == 1)
            #expect(done.upstream == done.downstream)
            #expect(done.upstream.received == 3_000_000 && done.upstream.sent == 3_000_000)
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
        try await ProxyBench.run { bench in
            let proxy = try await bench.proxy(to: upstream.endpoint)
            let bytes = [UInt8](repeating: 5, count: 50_000)
            #expect(try await Upstream.hear(proxy, thenSend: bytes) == [7, 8, 9])
            #expect(await received.stream.first { _ in true } == bytes)
        }
        try await upstream.stop()
    }

    @Test("passes every byte through slow toxics, whatever its buffer")
    func slow() async throws {
        let upstream = try await Upstream.start { $0 }
        try await ProxyBench.run { bench in
            let proxy = try await bench.proxy(
                to: upstream.endpoint,
                [
                    ToxicDefinition(.latency, values: ["latency": 5, "jitter": 5]),
                    ToxicDefinition(.slicer, .upstream, values: ["average_size": 3000, "size_variation": 2000]),
                ]
            )
            let bytes = ChainJournal.bytes(2_000_000)
            #expect(try await Upstream.ask(proxy, bytes) == bytes)
        }
        try await upstream.stop()
    }

    // MARK: What Toxiproxy does otherwise

    @Test("sends a reset to both sides when reset_peer comes to a connection that is open")
    func resetOfOpenConnection() async throws {
        let upstream = try RawListener()
        try await ProxyBench.run { bench in
            let client = try PlainClient(try await bench.proxy(to: upstream.endpoint))
            let server = try await upstream.accept()
            try client.send([1, 2, 3])
            try server.send([4, 5])
            try await bench.registry.add(ToxicDefinition(.resetPeer), to: "p")
            #expect(await client.read().end == .reset)
            #expect(await server.read().end == .reset)
            client.close()
            server.close()
        }
    }

    @Test("ends in order when reset_peer has a toxicity of 0")
    func sparedReset() async throws {
        let upstream = try await Upstream.start { $0 }
        try await ProxyBench.run { bench in
            let toxic = ToxicDefinition(.resetPeer, toxicity: 0)
            let proxy = try await bench.proxy(to: upstream.endpoint, [toxic])
            #expect(try await Upstream.ask(proxy, [1, 2, 3]) == [1, 2, 3])
        }
        try await upstream.stop()
    }

    @Test("accepts and serves while an upstream never accepts")
    func slowUpstream() async throws {
        let full = try FullListener()
        let upstream = try await Upstream.start { $0 }
        try await ProxyBench.run { bench in
            let stuck = try await bench.proxy("stuck", to: full.endpoint)
            let live = try await bench.proxy("live", to: upstream.endpoint)
            let waiting = try (0..<3).map { _ in try PlainClient(stuck) }
            #expect(try await Upstream.ask(live, [1, 2, 3]) == [1, 2, 3])
            let done = try await bench.statistics("stuck")
            #expect(done.accepted == 3 && done.open == 3 && done.failed == 0)
            for client in waiting { client.close() }
        }
        try await upstream.stop()
    }

    @Test("goes on with a connection when timeout is removed")
    func timeoutRemoval() async throws {
        let upstream = try RawListener()
        try await ProxyBench.run { bench in
            let client = try PlainClient(try await bench.proxy(to: upstream.endpoint, [ToxicDefinition(.timeout)]))
            let server = try await upstream.accept()
            try server.send([1, 2, 3])
            while try await bench.statistics().downstream.received < 3 { await Task.yield() }
            try await bench.registry.remove("timeout_downstream", from: "p")
            try server.send([4, 5])
            server.close()
            #expect(await client.read().bytes == [4, 5])
            client.close()
        }
    }

    // MARK: Ends

    @Test("closes both sides in order behind limit_data's bytes")
    func limitData() async throws {
        let upstream = try RawListener()
        try await ProxyBench.run { bench in
            let toxic = ToxicDefinition(.limitData, values: ["bytes": 5])
            let client = try PlainClient(try await bench.proxy(to: upstream.endpoint, [toxic]))
            let server = try await upstream.accept()
            try server.send([1, 2, 3, 4, 5, 6, 7])
            let (bytes, end) = await client.read()
            #expect(bytes == [1, 2, 3, 4, 5])
            #expect(end == .orderly)
            #expect(await server.read().end == .orderly)
            client.close()
            server.close()
        }
    }

    @Test("leaves the receiver of a half-open connection in silence")
    func halfOpen() async throws {
        let upstream = try RawListener()
        try await ProxyBench.run { bench in
            let toxic = ToxicDefinition(.halfOpen, afterBytes: 2)
            let client = try PlainClient(try await bench.proxy(to: upstream.endpoint, [toxic]))
            let server = try await upstream.accept()
            try server.send([1, 2, 3])
            #expect(await server.read().end == .reset)
            let (bytes, end) = await client.read(patience: .milliseconds(200))
            #expect(bytes == [1, 2])
            #expect(end == .silence)
            client.close()
            server.close()
            while try await bench.statistics().open > 0 { await Task.yield() }
        }
    }

    @Test("resets the client when there is no upstream")
    func noUpstream() async throws {
        let upstream = try await Upstream.start { $0 }
        try await upstream.stop()
        try await ProxyBench.run { bench in
            let client = try PlainClient(try await bench.proxy(to: upstream.endpoint))
            #expect(await client.read().end == .reset)
            #expect(try await bench.statistics().failed == 1)
            client.close()
        }
    }

    @Test("closes its connections and its port while it is disabled, and counts on afterwards")
    func disabled() async throws {
        let upstream = try RawListener()
        try await ProxyBench.run { bench in
            let proxy = try await bench.proxy(to: upstream.endpoint)
            let client = try PlainClient(proxy)
            let server = try await upstream.accept()
            let enable = { (isEnabled: Bool) in
                try await bench.registry.update("p") { record throws(ChaosError) in
                    var record = record
                    record.isEnabled = isEnabled
                    return record
                }
            }
            _ = try await enable(false)
            #expect(await client.read().end == .orderly)
            #expect(throws: IOError.self) { try PlainClient(proxy) }
            #expect(try await enable(true).listen == "\(proxy)")
            let second = try PlainClient(proxy)
            #expect(try await bench.statistics().accepted == 2)
            for socket in [client, server, second] { socket.close() }
        }
    }

    @Test("gives the same faults to the same bytes with the same seed, and others with another", arguments: [1, 2])
    func seeds(seed: UInt64) async throws {
        var runs: [[UInt8]] = []
        for seed in [1, 1, seed] as [UInt64] {
            let upstream = try await Upstream.start { $0 }
            try await ProxyBench.run(seed: seed) { bench in
                let toxic = ToxicDefinition(.corrupt, .upstream, values: ["rate": 0.01])
                let proxy = try await bench.proxy(to: upstream.endpoint, [toxic])
                runs.append(try await Upstream.ask(proxy, ChainJournal.bytes(100_000)))
            }
            try await upstream.stop()
        }
        #expect(runs[0] == runs[1])
        #expect(runs[0] != ChainJournal.bytes(100_000))
        #expect((runs[0] == runs[2]) == (seed == 1))
    }
}
