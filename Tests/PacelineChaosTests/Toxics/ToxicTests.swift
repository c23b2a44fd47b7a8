import NIOCore
import PacelineCluster
import PacelineSpeculation
import Testing

@testable import PacelineChaos

@Suite("A toxic")
struct ToxicTests {
    private static let sent = ChainJournal.bytes(40_000)
    private static let start = ChainJournal.start

    // MARK: Time

    @Test("latency delays every byte and the end by exactly itself")
    func latency() {
        let journal = ChainJournal.run([ToxicDefinition(.latency, values: ["latency": 100])])
        #expect(journal.exits == [.init(upTo: 40_000, at: Self.start + .milliseconds(100))])
        #expect(journal.endedAt == Self.start + .milliseconds(100))
    }

    @Test("jitter deviates over its whole range, and no byte overtakes another")
    func jitter() {
        let toxic = ToxicDefinition(.latency, values: ["latency": 100, "jitter": 50])
        // Far enough apart that hardly one waits for the one before.
        let journal = ChainJournal.run(
            [toxic],
            .init(bytes: ChainJournal.bytes(1448 * 1000), reads: [1448], spacing: .seconds(1))
        )
        #expect(journal.received.count == 1448 * 1000)
        let delays = journal.exits.enumerated().map { index, exit in exit.at - (Self.start + .seconds(index)) }
        #expect(delays.count == 1000)
        #expect(delays.allSatisfy { $0 >= .milliseconds(50) && $0 <= .milliseconds(150) })
        #expect((delays.min() ?? .zero) < .milliseconds(52))
        #expect((delays.max() ?? .zero) > .milliseconds(148))
    }

    @Test("bandwidth lets bytes through at its rate")
    func bandwidth() throws {
        let journal = ChainJournal.run([ToxicDefinition(.bandwidth, values: ["rate": 10])])
        // 40,000 bytes at 10,000 a second.
        #expect(journal.received == Self.sent)
        #expect(journal.endedAt == Self.start + .seconds(4))
        for (left, right) in zip(journal.exits, journal.exits.dropFirst()) {
            #expect(right.at - left.at == .microseconds(100 * (right.upTo - left.upTo)))
        }
    }

    @Test("bandwidth of 0 passes nothing until it is changed")
    func noBandwidth() {
        var toxic = ToxicDefinition(.bandwidth)
        var chain = Self.chain([toxic])
        Self.send(&chain, 100)
        #expect(chain.nextDeparture == nil)
        toxic["rate"] = 1
        chain.update(toxic, now: Self.start)
        #expect(Self.take(&chain).count == 100)
    }

    @Test("strikes as often as count says, whatever the reads", arguments: [ToxicType.corrupt, .truncate, .duplicate])
    func count(type: ToxicType) {
        let values = ["rate": 0.5, "segment": 100, "bytes": 10]
        let toxic = ToxicDefinition(type, maximumFaults: 5, values: values)
        let whole = ChainJournal.run([toxic])
        #expect(whole.faults.count(where: \.isFault) == 5)
        #expect(whole.faults.contains { $0.event == .stopped })
        let parts = ChainJournal.run([toxic], .init(reads: [7, 1000, 1]))
        #expect(parts.received == whole.received)
        #expect(parts.faults.filter(\.isFault) == whole.faults.filter(\.isFault))
        #expect(whole.received.suffix(20_000) == Self.sent.suffix(20_000))
    }

    @Test("that cannot be counted has no count", arguments: ToxicType.allCases)
    func countable(type: ToxicType) {
        let values = type == .slicer ? ["average_size": 5.0] : [:]
        let toxic = ToxicDefinition(type, maximumFaults: 1, values: values)
        #expect((toxic.conflict == nil) == type.isCountable)
    }

    @Test("slow_close delays the end, and no byte")
    func slowClose() {
        let journal = ChainJournal.run([ToxicDefinition(.slowClose, values: ["delay": 700])])
        #expect(journal.exits == [.init(upTo: 40_000, at: Self.start)])
        #expect(journal.endedAt == Self.start + .milliseconds(700))
        #expect(journal.ending == .closed)
    }

    @Test("slicer cuts into pieces of its sizes, with its pause after each")
    func slicer() {
        let values = ["average_size": 100.0, "size_variation": 40, "delay": 500]
        let journal = ChainJournal.run([ToxicDefinition(.slicer, values: values)])
        #expect(journal.received == Self.sent)
        let cuts = [0] + journal.exits.map(\.upTo)
        let sizes = zip(cuts, cuts.dropFirst()).map { $1 - $0 }.dropLast()
        #expect(sizes.allSatisfy { (60...140).contains($0) })
        #expect(Set(sizes).count > 60)
        for (left, right) in zip(journal.exits, journal.exits.dropFirst()) {
            #expect(right.at - left.at == .microseconds(500))
        }
    }

    // MARK: Ends

    @Test("timeout drops all bytes, and closes the connection after its time")
    func timeout() {
        let journal = ChainJournal.run([ToxicDefinition(.timeout, values: ["timeout": 250])], .init(ending: nil))
        #expect(journal.received.isEmpty)
        #expect(journal.ending == .severed)
        #expect(journal.endedAt == Self.start + .milliseconds(250))
    }

    @Test("timeout of 0 never closes, and the connection goes on when it is removed")
    func timeoutRemoval() {
        var chain = Self.chain([ToxicDefinition(.timeout)])
        Self.send(&chain, 100)
        #expect(chain.nextDeparture == nil)
        #expect(Self.take(&chain).isEmpty)
        chain.remove("timeout_downstream", now: Self.start)
        #expect(chain.takeFaults().contains { $0.event == .dropped(bytes: 100) })
        Self.send(&chain, 5)
        #expect(Self.take(&chain).count == 5)
    }

    @Test("reset_peer resets without any byte, and on a connection that is open already")
    func resetPeer() {
        let toxic = ToxicDefinition(.resetPeer, values: ["timeout": 100])
        let journal = ChainJournal.run([toxic], .init(bytes: [], ending: nil))
        #expect(journal.ending == .reset)
        #expect(journal.endedAt == Self.start + .milliseconds(100))
        var chain = Self.chain([])
        Self.send(&chain, 10)
        #expect(Self.take(&chain).count == 10)
        chain.add(ToxicDefinition(.resetPeer), now: Self.start)
        #expect(chain.depart(now: Self.start) == .ended(.reset))
    }

    @Test("reset_peer lets the end through if it is over or removed before its reset", arguments: [false, true])
    func resetThatNeverCame(isRemoved: Bool) {
        var toxic = ToxicDefinition(.resetPeer, values: ["timeout": 100])
        if !isRemoved { toxic.duration = .milliseconds(50) }
        var chain = Self.chain([toxic])
        Self.send(&chain, 10)
        chain.end(.closed, now: Self.start)
        #expect(chain.depart(now: Self.start) == nil)
        let later = Self.start + .milliseconds(50)
        if isRemoved { chain.remove("reset_peer_downstream", now: later) }
        #expect(chain.depart(now: later) == .ended(.closed))
    }

    @Test("reset_peer after some bytes lets exactly those through")
    func resetInTheMiddle() {
        let journal = ChainJournal.run([ToxicDefinition(.resetPeer, afterBytes: 1234)], .init(reads: [100]))
        #expect(journal.received == Array(Self.sent.prefix(1234)))
        #expect(journal.ending == .reset)
    }

    @Test("limit_data closes after exactly its bytes", arguments: [1, 1448, 39_999, 40_000])
    func limitData(bytes: Int) {
        let journal = ChainJournal.run([ToxicDefinition(.limitData, values: ["bytes": Double(bytes)])])
        #expect(journal.received == Array(Self.sent.prefix(bytes)))
        #expect(journal.ending == .severed)
    }

    @Test("limit_data goes on counting when it is changed")
    func limitDataUpdate() {
        var toxic = ToxicDefinition(.limitData, values: ["bytes": 100])
        var chain = Self.chain([toxic])
        Self.send(&chain, 60)
        toxic["bytes"] = 80
        chain.update(toxic, now: Self.start)
        Self.send(&chain, 60)
        #expect(Self.take(&chain).count == 80)
    }

    @Test("half_open ends the sender's side alone, and passes nothing more")
    func halfOpen() {
        let journal = ChainJournal.run([ToxicDefinition(.halfOpen, afterBytes: 500)], .init(reads: [64]))
        #expect(journal.received == Array(Self.sent.prefix(500)))
        #expect(journal.ending == .halfOpen)
    }

    // MARK: Standstill

    @Test("blackhole holds bytes and the end, and gives them back when it is removed")
    func blackhole() {
        var chain = Self.chain([ToxicDefinition(.blackhole)], capacity: 1000)
        Self.send(&chain, 1500)
        chain.end(.closed, now: Self.start)
        #expect(chain.nextDeparture == nil)
        #expect(chain.room == 0)
        #expect(chain.depart(now: Self.start + .seconds(1000)) == nil)
        chain.remove("blackhole_downstream", now: Self.start)
        let freed = chain.depart(now: Self.start)
        #expect(freed == .bytes(ByteBuffer(repeating: 7, count: 1000)))
        #expect(chain.depart(now: Self.start) == .ended(.closed))
    }

    @Test("stall_read stops reading after exactly its bytes, and goes on when it is removed")
    func stallRead() {
        var chain = Self.chain([ToxicDefinition(.stallRead, values: ["bytes": 700])])
        var bytes = ByteBuffer(repeating: 1, count: 1000)
        chain.arrive(&bytes, now: Self.start)
        #expect(bytes.readableBytes == 300)
        #expect(chain.room == 0)
        #expect(chain.takeFaults().last?.event == .stalled)
        #expect(Self.take(&chain).count == 700)
        chain.remove("stall_read_downstream", now: Self.start)
        chain.arrive(&bytes, now: Self.start)
        #expect(Self.take(&chain).count == 300)
    }

    @Test("stall_read after some bytes stops reading as many bytes behind them, however they are read")
    func stallReadLater() {
        let toxic = ToxicDefinition(.stallRead, afterBytes: 70, values: ["bytes": 30])
        for reads in [[1], [64, 5], [1000]] {
            let journal = ChainJournal.run([toxic], .init(reads: reads, ending: nil))
            #expect(journal.received.count == 100)
        }
    }

    // MARK: Damage

    @Test("corrupt changes its share of bytes, by its number of bits, and tells each")
    func corrupt() {
        let journal = ChainJournal.run([ToxicDefinition(.corrupt, values: ["rate": 0.02, "bits": 3])])
        #expect(journal.received.count == Self.sent.count)
        let changed = Self.sent.indices.filter { Self.sent[$0] != journal.received[$0] }
        // Five standard deviations.
        #expect(abs(changed.count - 800) < 140)
        #expect(changed.allSatisfy { (Self.sent[$0] ^ journal.received[$0]).nonzeroBitCount == 3 })
        let told = journal.faults.filter(\.isFault)
        #expect(told.map(\.offset) == changed.map(UInt64.init))
        #expect(told.map(\.event) == changed.map { .flipped(from: Self.sent[$0], to: journal.received[$0]) })
    }

    @Test("truncate takes the last bytes of its share of segments")
    func truncate() {
        let values = ["rate": 0.25, "segment": 100.0, "bytes": 10]
        let journal = ChainJournal.run([ToxicDefinition(.truncate, values: values)])
        let told = journal.faults.filter(\.isFault)
        #expect((50...150).contains(told.count))
        var expected: [UInt8] = []
        for segment in 0..<400 {
            let isHit = told.contains { $0.offset == UInt64(100 * segment + 90) }
            expected += Self.sent[(100 * segment)..<(100 * segment + (isHit ? 90 : 100))]
        }
        #expect(journal.received == expected)
        #expect(told.allSatisfy { $0.event == .dropped(bytes: 10) })
    }

    @Test("duplicate sends its share of segments twice")
    func duplicate() {
        let values = ["rate": 0.25, "segment": 100.0]
        let journal = ChainJournal.run([ToxicDefinition(.duplicate, values: values)])
        let told = journal.faults.filter(\.isFault)
        #expect((50...150).contains(told.count))
        #expect(journal.received.count == 40_000 + 100 * told.count)
        var expected: [UInt8] = []
        let hits = Set(told.map { $0.offset / 100 })
        for segment in 0..<400 {
            let bytes = Self.sent[(100 * segment)..<(100 * segment + 100)]
            expected += hits.contains(UInt64(segment)) ? bytes + bytes : bytes
        }
        #expect(journal.received == expected)
    }

    // MARK: When

    @Test("begins after exactly the bytes that it waits for", arguments: [0, 1, 777, 40_000] as [UInt64])
    func afterBytes(_ count: UInt64) {
        let toxic = ToxicDefinition(.corrupt, afterBytes: count, values: ["rate": 1])
        let journal = ChainJournal.run([toxic], .init(reads: [13]))
        let first = Self.sent.indices.first { Self.sent[$0] != journal.received[$0] }
        #expect(first.map(UInt64.init) == (count < 40_000 ? count : nil))
    }

    @Test("ends when its time is over, and what it held goes on")
    func duration() {
        let toxic = ToxicDefinition(.blackhole, duration: .milliseconds(300))
        let journal = ChainJournal.run([toxic], .init(reads: [1000], spacing: .milliseconds(20)))
        #expect(journal.received == Self.sent)
        #expect(journal.exits.first == .init(upTo: 16_000, at: Self.start + .milliseconds(300)))
        #expect(journal.faults.last?.event == .stopped)
    }

    // MARK: Helpers

    private static func chain(_ toxics: [ToxicDefinition], capacity: Int = 1 << 20) -> ToxicChain {
        ToxicChain(ChainJournal.identity, toxics: toxics, capacity: capacity, now: start)
    }

    private static func send(_ chain: inout ToxicChain, _ count: Int) {
        var bytes = ByteBuffer(repeating: 7, count: count)
        chain.arrive(&bytes, now: start)
    }

    private static func take(_ chain: inout ToxicChain) -> [UInt8] {
        var journal = ChainJournal()
        journal.take(&chain, now: start)
        return journal.received
    }
}
