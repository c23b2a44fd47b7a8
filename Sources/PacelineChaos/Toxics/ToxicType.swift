/// What a toxic does to the bytes of one direction. The first seven are Toxiproxy's.
package enum ToxicType: String, CaseIterable, Sendable {
    case latency
    case bandwidth
    case slowClose = "slow_close"
    case timeout
    case resetPeer = "reset_peer"
    case slicer
    case limitData = "limit_data"
    case blackhole
    case halfOpen = "half_open"
    case stallRead = "stall_read"
    case corrupt
    case truncate
    case duplicate
    case dupFrame = "dup_frame"
    case dropFrame = "drop_frame"
    case reorderFrame = "reorder_frame"
    case oversizeLength = "oversize_length"
    case staleReplay = "stale_replay"
    case badHello = "bad_hello"
    case byzantine
    case lieQ = "lie_q"
    case deepTree = "deep_tree"
    case floodFrame = "flood_frame"

    /// Whether it acts on frames of the draft link. Other bytes pass it unchanged.
    package var isFrameAware: Bool {
        switch self {
        case .dupFrame, .dropFrame, .reorderFrame, .oversizeLength, .staleReplay, .badHello, .byzantine, .lieQ,
            .deepTree, .floodFrame:
            true
        default: false
        }
    }

    /// Whether what it does can be counted: it strikes one thing after the other.
    package var isCountable: Bool {
        isFrameAware || [.corrupt, .truncate, .duplicate].contains(self)
    }

    /// One line for tables and help.
    package var summary: String {
        switch self {
        case .latency: "bytes arrive later, by latency plus or minus jitter"
        case .bandwidth: "bytes share a line of limited speed; 0 stops it"
        case .slowClose: "the end of the stream arrives later"
        case .timeout: "bytes are dropped, and the connection closes after a while; 0 never closes it"
        case .resetPeer: "both ends get a TCP reset (RST) after a while, and nothing more arrives until then"
        case .slicer: "bytes arrive in small pieces, with a pause after each"
        case .limitData: "the connection closes after a number of bytes"
        case .blackhole:
            "nothing arrives, not even the end, as in a partition; what was held arrives when it is removed"
        case .halfOpen: "the sender's side is reset, and the receiver hears nothing of it"
        case .stallRead: "after a number of bytes the proxy stops reading, so that the sender has to wait"
        case .corrupt: "some bytes have other bits"
        case .truncate: "some segments lose their last bytes"
        case .duplicate: "some segments arrive twice"
        case .dupFrame: "frames of the draft link arrive twice"
        case .dropFrame: "frames of the draft link are lost"
        case .reorderFrame: "frames of the draft link arrive after the next one"
        case .oversizeLength: "headers of frames announce another length, with the right checksum"
        case .staleReplay: "an earlier frame arrives again, as if it were new"
        case .badHello: "messages of the handshake have other bits, with the right checksums"
        case .byzantine: "trees and verdicts have other bits, with the right checksums"
        case .lieQ: "trees claim that their worker is sure of every token"
        case .deepTree: "trees become one path, deeper than any may be"
        case .floodFrame: "frames arrive many times, each as if it were new"
        }
    }

    /// The settings of the type, in the order in which help shows them.
    package var attributes: [ToxicAttribute] {
        switch self {
        case .latency: [.time("latency", "delay of every byte"), .time("jitter", "uniform deviation from it")]
        case .bandwidth: [.whole("rate", "kilobytes of 1000 bytes a second", unit: "KB/s")]
        case .slowClose: [.time("delay", "how much later the end arrives")]
        case .timeout: [.time("timeout", "time until the connection closes; 0 for never")]
        case .resetPeer: [.time("timeout", "time until the reset")]
        case .slicer:
            [
                .whole("average_size", "bytes of a piece", unit: "bytes", from: 1, fallback: 1),
                .whole("size_variation", "uniform deviation from it, which must be smaller", unit: "bytes"),
                .whole("delay", "pause after each piece", unit: "µs"),
            ]
        case .limitData: [.whole("bytes", "bytes that pass", unit: "bytes")]
        case .blackhole, .halfOpen: []
        case .stallRead: [.whole("bytes", "bytes that are read", unit: "bytes")]
        case .corrupt:
            [
                .share("rate", "share of the bytes that change", fallback: 0.0001),
                .whole("bits", "bits that change in such a byte", unit: "bits", from: 1, upTo: 8, fallback: 1),
            ]
        case .truncate:
            [
                .share("rate", "share of the segments that lose bytes", fallback: 0.01), .segment,
                .whole("bytes", "bytes that such a segment loses", unit: "bytes", from: 1, upTo: 65536, fallback: 1),
            ]
        case .duplicate: [.share("rate", "share of the segments that come twice", fallback: 0.01), .segment]
        case .dupFrame, .dropFrame, .reorderFrame: [.frames, .renumber(fallback: 0)]
        case .oversizeLength:
            [
                .frames,
                .whole("length", "what they announce", unit: "bytes", upTo: 4_294_967_295, fallback: 4_294_967_295),
            ]
        case .staleReplay:
            [
                .frames,
                .whole("frames", "how many frames ago it came first", unit: "frames", from: 1, upTo: 64, fallback: 8),
                .renumber(fallback: 1),
                .whole("reconnects", "1 to go on with frames of the connection before", unit: "", upTo: 1),
            ]
        case .lieQ: [.frames]
        case .deepTree:
            [.frames, .whole("nodes", "nodes of the path", unit: "nodes", from: 1, upTo: 512, fallback: 64)]
        case .floodFrame:
            [
                .frames,
                .whole("copies", "how often it comes besides", unit: "frames", from: 1, upTo: 1000, fallback: 100),
                .renumber(fallback: 1),
            ]
        case .badHello, .byzantine:
            [.frames, .whole("bits", "bits that change in such a frame", unit: "bits", from: 1, upTo: 64, fallback: 1)]
        }
    }
}

/// One setting of a type of toxic: its name in JSON, its range, and what it is without being set.
package struct ToxicAttribute: Sendable, Hashable {
    package let name: String
    package let meaning: String
    package let unit: String
    package let range: ClosedRange<Double>
    package let fallback: Double
    package let isWhole: Bool

    /// The largest number up to which JSON keeps all whole numbers apart.
    private static let largest = 0x1p53

    static func whole(
        _ name: String,
        _ meaning: String,
        unit: String,
        from least: Double = 0,
        upTo most: Double = largest,
        fallback: Double = 0
    ) -> ToxicAttribute {
        ToxicAttribute(
            name: name,
            meaning: meaning,
            unit: unit,
            range: least...most,
            fallback: fallback,
            isWhole: true
        )
    }

    /// Milliseconds, at most a day.
    static func time(_ name: String, _ meaning: String) -> ToxicAttribute {
        whole(name, meaning, unit: "ms", upTo: 86_400_000)
    }

    static func share(_ name: String, _ meaning: String, fallback: Double, upTo most: Double = 1) -> ToxicAttribute {
        ToxicAttribute(name: name, meaning: meaning, unit: "", range: 0...most, fallback: fallback, isWhole: false)
    }

    static let frames = share("rate", "share of the frames", fallback: 1)

    static func renumber(fallback: Double) -> ToxicAttribute {
        whole(
            "renumber",
            "1 for sequence numbers as if nothing had happened, so that the receiver accepts the frames; 0 for none",
            unit: "",
            upTo: 1,
            fallback: fallback
        )
    }

    static let segment = whole(
        "segment",
        "bytes of a segment",
        unit: "bytes",
        from: 1,
        upTo: 65536,
        fallback: Double(StreamLattice.packetBytes)
    )

    /// What a value must be, for errors: `a whole number from 0 to 86400000 (ms)`.
    package var expectation: String {
        let ends = [range.lowerBound, range.upperBound].map { isWhole ? "\(Int($0))" : "\($0)" }
        let words = "a \(isWhole ? "whole number" : "number") from \(ends[0]) to \(ends[1])"
        return unit.isEmpty ? words : "\(words) (\(unit))"
    }

    /// Whether `value` may be set.
    package func accepts(_ value: Double) -> Bool {
        range.contains(value) && (!isWhole || value == value.rounded())
    }
}
