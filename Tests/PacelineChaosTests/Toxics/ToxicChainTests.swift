import NIOCore
import PacelineCluster
import PacelineSpeculation
import Testing

@testable import PacelineChaos

@Suite("A chain of toxics")
struct ToxicChainTests {
    /// One of each type, with settings that show.
    static let toxics: [ToxicDefinition] = [
        ToxicDefinition(.latency, values: ["latency": 50, "jitter": 20]),
        ToxicDefinition(.bandwidth, values: ["rate": 100]),
        ToxicDefinition(.slowClose, values: ["delay": 300]),
        ToxicDefinition(.timeout, values: ["timeout": 200]),
        ToxicDefinition(.resetPeer, afterBytes: 2000, values: ["timeout": 200]),
        ToxicDefinition(.slicer, values: ["average_size": 100, "size_variation": 50, "delay": 10]),
        ToxicDefinition(.limitData, values: ["bytes": 7345]),
        ToxicDefinition(.blackhole, afterBytes: 1234), ToxicDefinition(.halfOpen, afterBytes: 777),
        ToxicDefinition(.stallRead, values: ["bytes": 4321]),
        ToxicDefinition(.corrupt, values: ["rate": 0.01, "bits": 2]),
        ToxicDefinition(.truncate, values: ["rate": 0.3, "segment": 500, "bytes": 30]),
        ToxicDefinition(.duplicate, values: ["rate": 0.3, "segment": 500]),
    ]

    @Test("is tested with each type")
    func types() {
        // Those on frames have tests of their own.
        #expect(Self.toxics.map(\.type) == ToxicType.allCases.filter { !$0.isFrameAware })
    }

    @Test("does the same to the same bytes, however they are read", arguments: toxics)
    func readSizes(_ toxic: ToxicDefinition) {
        let whole = ChainJournal.run([toxic], Self.sender([65_536]))
        for reads in [[1], [7, 1448, 3], [499, 501], [4096]] {
            let parts = ChainJournal.run([toxic], Self.sender(reads))
            #expect(parts.received == whole.received)
            #expect(parts.ending == whole.ending)
            #expect(parts.faults == whole.faults)
            // A line is shared by pieces, which are the reads; everything else is decided for each byte.
            if toxic.type != .bandwidth {
                #expect(parts.exits == whole.exits)
                #expect(parts.endedAt == whole.endedAt)
            }
        }
    }

    @Test("does the same through all toxics in a row, however bytes are read")
    func row() {
        let toxics = Self.toxics.filter { [.latency, .slicer, .corrupt, .truncate, .duplicate].contains($0.type) }
        let whole = ChainJournal.run(toxics, Self.sender([65_536]))
        #expect(whole.received != ChainJournal.bytes(12_000))
        for reads in [[1], [7, 1448, 3]] {
            let parts = ChainJournal.run(toxics, Self.sender(reads))
            #expect(parts.received == whole.received)
            #expect(Self.ordered(parts.faults) == Self.ordered(whole.faults))
        }
    }

    @Test("is a function of seed, proxy, connection, direction and toxic")
    func seeds() {
        let toxics = [ToxicDefinition(.corrupt, values: ["rate": 0.01])]
        let first = ChainJournal.run(toxics)
        #expect(ChainJournal.run(toxics).faults == first.faults)
        let changes: [(inout ToxicChain.Identity) -> Void] = [
            { $0.seed += 1 }, { $0.proxy = "postgres" }, { $0.connection += 1 }, { $0.stream = .upstream },
        ]
        for change in changes {
            var identity = ChainJournal.identity
            change(&identity)
            #expect(ChainJournal.run(toxics, identity: identity).faults != first.faults)
        }
        let renamed = [ToxicDefinition(name: "other", .corrupt, values: ["rate": 0.01])]
        #expect(ChainJournal.run(renamed).faults.map(\.offset) != first.faults.map(\.offset))
    }

    @Test("acts on the share of connections that the toxicity says")
    func toxicity() {
        let toxic = ToxicDefinition(.limitData, toxicity: 0.3, values: ["bytes": 10])
        let hits = (0..<2000 as Range<UInt64>).count { number in
            var identity = ChainJournal.identity
            identity.connection = number
            return ChainJournal.run([toxic], .init(bytes: ChainJournal.bytes(20)), identity: identity).ending
                == .severed
        }
        // Five standard deviations of a binomial variable.
        #expect(abs(hits - 600) < 103)
    }

    @Test("draws the toxicity once for a connection, and an update does not draw again")
    func toxicityIsDrawnOnce() {
        var acting = 0
        for number in 0..<200 as Range<UInt64> {
            var identity = ChainJournal.identity
            identity.connection = number
            var toxic = ToxicDefinition(.timeout, toxicity: 0.5)
            var chain = ToxicChain(identity, toxics: [toxic], capacity: 1 << 20, now: .zero)
            let before = Self.passes(&chain)
            for round in 1...20 {
                toxic["timeout"] = Double(1_000_000 + round)
                chain.update(toxic, now: .zero)
                #expect(Self.passes(&chain) == before)
            }
            acting += before ? 0 : 1
            // A larger share takes in those of the smaller one.
            toxic.toxicity = 0.9
            chain.update(toxic, now: .zero)
            if !before { #expect(!Self.passes(&chain)) }
            toxic.toxicity = 0
            chain.update(toxic, now: .zero)
            #expect(Self.passes(&chain))
        }
        #expect((60...140).contains(acting))
    }

    @Test("never holds more than its capacity", arguments: [1000, 50_000])
    func capacity(bytes: Int) {
        let toxics = [
            ToxicDefinition(.latency, values: ["latency": 50, "jitter": 20]),
            ToxicDefinition(name: "line", .bandwidth, values: ["rate": 1000]),
        ]
        let journal = ChainJournal.run(toxics, .init(capacity: bytes))
        #expect(journal.received == ChainJournal.bytes(40_000))
        #expect(journal.peakHeld <= bytes)
        #expect(journal.unread == 0)
    }

    @Test("passes bytes and ends at once without toxics", arguments: [LinkEnding.closed, .reset])
    func transparency(_ ending: LinkEnding) {
        let journal = ChainJournal.run([], .init(ending: ending))
        #expect(journal.received == ChainJournal.bytes(40_000))
        #expect(journal.ending == ending)
        #expect(journal.endedAt == ChainJournal.start)
        #expect(journal.faults.isEmpty)
    }

    private static func sender(_ reads: [Int]) -> ChainJournal.Sender {
        ChainJournal.Sender(bytes: ChainJournal.bytes(12_000), reads: reads)
    }

    /// Toxics tell of their faults when their turn comes, which is no part of what they do.
    private static func ordered(_ faults: [FaultRecord]) -> [FaultRecord] {
        faults.sorted { ($0.toxic, $0.offset, "\($0.event)") < ($1.toxic, $1.offset, "\($1.event)") }
    }

    /// Whether a byte comes out at once.
    private static func passes(_ chain: inout ToxicChain) -> Bool {
        var byte = ByteBuffer(bytes: [1])
        chain.arrive(&byte, now: .zero)
        var isThrough = false
        while let departure = chain.depart(now: .zero) {
            if case .bytes(let bytes) = departure {
                isThrough = true
                chain.release(bytes.readableBytes)
            }
        }
        return isThrough
    }
}
