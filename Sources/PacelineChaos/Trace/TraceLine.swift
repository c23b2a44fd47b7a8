import PacelineServer
import PacelineSpeculation

/// A change of a proxy or its toxics, as a trace tells it.
package enum TracedChange: Hashable, Sendable {
    /// A proxy is there, new or with another address, state or toxics.
    case proxy(ProxyRecord)
    case deleted(proxy: String)
    case toxic(proxy: String, ToxicDefinition)
    case removed(proxy: String, toxic: String)

    package var proxyName: String {
        switch self {
        case .proxy(let record): record.name
        case .deleted(let name), .toxic(let name, _), .removed(let name, _): name
        }
    }
}

/// A fault with its place, as a trace tells it: everything but the time.
package struct TracedFault: Hashable, Sendable {
    package let proxy: String
    package let connection: UInt64
    package let stream: String
    package let toxic: String
    package let type: String
    package let offset: UInt64
    package let fault: String
    /// What the fault was like, such as `12.5 ms` or `0x41 to 0x40`.
    package let detail: String
}

/// When a change happened, by what the proxy's clients did: a repeated run need not be as fast.
package struct TraceMoment: Hashable, Sendable {
    /// Connections that the proxy had taken.
    package var connections: UInt64 = 0
    /// How long ago it took the latest.
    package var since = Duration.zero
}

/// A line of a trace.
enum TraceLine {
    typealias Fields = [(name: String, value: JSONValue)]

    case serve(seed: UInt64)
    case change(TracedChange, TraceMoment)
    case fault(TracedFault)
    /// Lines that found no room.
    case lost(lines: Int)

    var json: Fields {
        switch self {
        case .serve(let seed): return [("event", "serve"), ("seed", .unsigned(seed))]
        case .change(let change, let moment):
            let place: Fields = [
                ("proxy", .string(change.proxyName)), ("connections", .unsigned(moment.connections)),
                ("since_ms", .number(moment.since.inMilliseconds)),
            ]
            switch change {
            case .proxy(let record): return [("event", "proxy")] + place + [("definition", ProxyBody(record).json)]
            case .deleted: return [("event", "delete")] + place
            case .toxic(_, let toxic): return [("event", "toxic")] + place + [("definition", ToxicBody(toxic).json)]
            case .removed(_, let name): return [("event", "remove")] + place + [("toxic", .string(name))]
            }
        case .fault(let fault): return [("event", "fault")] + fault.json
        case .lost(let lines): return [("event", "lost"), ("lines", .int(lines))]
        }
    }
}

extension TracedFault {
    init(_ place: FaultTrace.Place, _ record: FaultRecord) {
        proxy = place.proxy
        connection = place.connection
        stream = place.stream.rawValue
        toxic = record.toxic
        type = record.type.rawValue
        offset = record.offset
        (fault, detail) = record.event.words
    }

    fileprivate var json: TraceLine.Fields {
        [
            ("proxy", .string(proxy)), ("connection", .unsigned(connection)), ("stream", .string(stream)),
            ("toxic", .string(toxic)), ("type", .string(type)), ("offset", .unsigned(offset)),
            ("fault", .string(fault)), ("detail", .string(detail)),
        ]
    }
}

extension FaultRecord.Event {
    /// The event's name, and what it was like.
    fileprivate var words: (fault: String, detail: String) {
        switch self {
        case .spared(let draw): ("spared", "drew \(draw)")
        case .began(let draw): ("began", "drew \(draw)")
        case .stopped: ("stopped", "")
        case .delayed(let time): ("delayed", "\(time.inMilliseconds) ms")
        case .endDelayed(let time): ("end_delayed", "\(time.inMilliseconds) ms")
        case .flipped(let from, let to): ("flipped", "\(Self.hex(from)) to \(Self.hex(to))")
        case .dropped(let bytes): ("dropped", "\(bytes) bytes")
        case .repeated(let bytes): ("repeated", "\(bytes) bytes")
        case .frame(let type, let sequence): ("frame", "\(type) \(sequence)")
        case .ended(let ending): ("ended", ending.rawValue)
        case .stalled: ("stalled", "")
        }
    }

    private static func hex(_ byte: UInt8) -> String {
        "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
