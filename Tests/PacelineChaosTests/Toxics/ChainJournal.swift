import NIOCore
import PacelineCluster
import PacelineSpeculation

@testable import PacelineChaos

/// What a chain of toxics did to a sender's bytes, in virtual time.
struct ChainJournal {
    var received: [UInt8] = []
    /// When each byte left, as runs of bytes that left together.
    var exits: [Exit] = []
    var ending: LinkEnding?
    var endedAt: Instant?
    var faults: [FaultRecord] = []
    var peakHeld = 0
    /// Bytes that the chain never let be read.
    var unread = 0

    struct Exit: Hashable {
        var upTo: Int
        var at: Instant
    }

    /// How a sender writes, and how it is read.
    struct Sender {
        var bytes = ChainJournal.bytes(40_000)
        /// The sizes of the reads, over and over.
        var reads = [65_536]
        /// Between two reads.
        var spacing = Duration.zero
        var ending: LinkEnding? = .closed
        var capacity = 1 << 20
    }

    static let identity = ToxicChain.Identity(seed: 7, proxy: "redis", connection: 3, stream: .downstream)
    static let start = Instant(nanoseconds: 1_000_000_000)

    static func bytes(_ count: Int) -> [UInt8] {
        var random = SplitMix(seed: 11)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// Sends everything, and goes on until nothing more happens.
    static func run(
        _ toxics: [ToxicDefinition],
        _ sender: Sender = Sender(),
        identity: ToxicChain.Identity = identity
    ) -> ChainJournal {
        var chain = ToxicChain(identity, toxics: toxics, capacity: sender.capacity, now: start)
        var journal = ChainJournal()
        var rest = ByteBuffer(bytes: sender.bytes)
        var now = start
        var read = 0
        while rest.readableBytes > 0 {
            let size = min(rest.readableBytes, sender.reads[read % sender.reads.count])
            guard var bytes = rest.readSlice(length: size) else { break }
            read += 1
            journal.feed(&chain, &bytes, now: &now)
            journal.unread += bytes.readableBytes
            let next = now + sender.spacing
            journal.drain(&chain, until: next)
            now = next
        }
        if let ending = sender.ending { chain.end(ending, now: now) }
        journal.drain(&chain, until: nil, from: now)
        return journal
    }

    /// Gives a chain bytes, and waits for room as long as waiting makes any.
    private mutating func feed(_ chain: inout ToxicChain, _ bytes: inout ByteBuffer, now: inout Instant) {
        while true {
            chain.arrive(&bytes, now: now)
            take(&chain, now: now)
            peakHeld = max(peakHeld, chain.held)
            guard bytes.readableBytes > 0 else { return }
            if chain.room > 0 { continue }
            guard let due = chain.nextDeparture else { return }
            now = max(now, due)
        }
    }

    private mutating func drain(_ chain: inout ToxicChain, until end: Instant?, from now: Instant = start) {
        take(&chain, now: end.map { min($0, now) } ?? now)
        while let due = chain.nextDeparture, due <= end ?? due { take(&chain, now: due) }
        faults += chain.takeFaults()
    }

    /// Takes all that is due.
    mutating func take(_ chain: inout ToxicChain, now: Instant) {
        peakHeld = max(peakHeld, chain.held)
        while let departure = chain.depart(now: now) {
            switch departure {
            case .bytes(let bytes):
                received += Array(bytes.readableBytesView)
                chain.release(bytes.readableBytes)
                if exits.last?.at == now { exits.removeLast() }
                exits.append(Exit(upTo: received.count, at: now))
            case .ended(let ending):
                self.ending = ending
                endedAt = now
            }
        }
        faults += chain.takeFaults()
    }
}
