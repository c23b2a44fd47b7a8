import Glibc
import Logging
import NIOCore
import PacelineCluster
import PacelineSpeculation
import PacelineWire
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

    /// Bytes that a proxy takes from a server whose client never reads.
    private static func taken(_ bench: ProxyBench, _ upstream: RawListener, proxy: Endpoint) async throws -> Int {
        let client = try PlainClient(proxy)
        let server = try await upstream.accept()
        server.sendForEver()
        var (latest, still) = (UInt64(0), 0)
        while still < 20 {
            try await Task.sleep(for: .milliseconds(20))
            let now = try await bench.statistics().downstream.received
            (latest, still) = (now, now == latest ? still + 1 : 0)
        }
        client.close()
        return Int(latest)
    }

    @Test("closes behind limit_data's bytes even if their receiver never reads")
    func limitDataUnread() async throws {
        let upstream = try RawListener()
        try await ProxyBench.run { bench in
            let proxy = try await bench.proxy(to: upstream.endpoint)
            let room = try await Self.taken(bench, upstream, proxy: proxy)
            while try await bench.statistics().open > 0 { await Task.yield() }
            // The last of these bytes stay in the proxy.
            let toxic = ToxicDefinition(.limitData, values: ["bytes": Double(room - 500_000)])
            try await bench.registry.add(toxic, to: "p")
            let client = try PlainClient(proxy)
            let server = try await upstream.accept()
            server.sendForEver()
            while try await bench.statistics().accepted < 2 { await Task.yield() }
            while try await bench.statistics().open > 0 { try await Task.sleep(for: .milliseconds(20)) }
            client.close()
        }
    }

    @Test("ends a connection when a timeout comes after one direction has ended")
    func timeoutAfterEnd() async throws {
        let upstream = try RawListener()
        try await ProxyBench.run { bench in
            let toxic = ToxicDefinition(.timeout, values: ["timeout": 300])
            let client = try PlainClient(try await bench.proxy(to: upstream.endpoint, [toxic]))
            let server = try await upstream.accept()
            // The direction with the toxic ends at once; the other one goes on until the toxic's time comes.
            server.endSending()
            #expect(await client.read().end == .orderly)
            let start = ContinuousClock.now
            #expect(await server.read().end == .orderly)
            #expect(ContinuousClock.now - start < .seconds(10))
            client.close()
            server.close()
        }
    }

    @Test("tells what was dropped when the connection ends")
    func droppedAtEnd() async throws {
        let path = "/tmp/paceline-dropped-\(getpid()).jsonl"
        defer { unlink(path) }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let trace = try FaultTrace(path: path, seed: 1, logger: logger)
        trace.begin()
        let upstream = try RawListener()
        try await ProxyBench.run(trace: trace) { bench in
            let client = try PlainClient(try await bench.proxy(to: upstream.endpoint, [ToxicDefinition(.timeout)]))
            let server = try await upstream.accept()
            try server.send([1, 2, 3])
            while try await bench.statistics().downstream.received < 3 { await Task.yield() }
            client.close()
            server.close()
            while try await bench.statistics().open > 0 { await Task.yield() }
        }
        let run = try RecordedRun(ByteBuffer(bytes: SystemFile.read(path) ?? []), path: path)
        #expect(run.faults.map(\.fault) == ["began", "dropped"])
        #expect(run.faults.last?.detail == "3 bytes")
    }

    @Test("repeats frames of the connection before, if stale_replay may")
    func staleAcrossConnections() async throws {
        let upstream = try RawListener()
        try await ProxyBench.run { bench in
            let values = ["frames": 2.0, "reconnects": 1, "rate": 1]
            let toxic = ToxicDefinition(.staleReplay, .upstream, values: values)
            let proxy = try await bench.proxy(to: upstream.endpoint, [toxic])
            func frame(_ content: UInt8, _ sequence: UInt64) -> [UInt8] {
                let frame = Frame(type: .ping, sequence: sequence, payload: ByteBuffer(bytes: [content]))
                return Array(frame.encoded.readableBytesView)
            }
            let first = try PlainClient(proxy)
            let firstServer = try await upstream.accept()
            try first.send(frame(1, 1) + frame(2, 2))
            first.endSending()
            #expect(await firstServer.read().bytes == frame(1, 1) + frame(2, 2))
            for socket in [first, firstServer] { socket.close() }
            while try await bench.statistics().open > 0 { await Task.yield() }
            let second = try PlainClient(proxy)
            let secondServer = try await upstream.accept()
            try second.send(frame(3, 1))
            second.endSending()
            #expect(await secondServer.read().bytes == frame(3, 1) + frame(1, 2))
            for socket in [second, secondServer] { socket.close() }
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
            #expect(try await bench.statistics().open == 0)
            #expect(throws: IOError.self) { try PlainClient(proxy) }
            #expect(try await enable(true).listen == "\(proxy)")
            let second = try PlainClient(proxy)
            let behind = try await upstream.accept()
            #expect(try await bench.statistics().accepted == 2)
            for socket in [client, server, second, behind] { socket.close() }
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
