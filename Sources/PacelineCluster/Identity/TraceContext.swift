/// Where a request belongs in a trace that crosses processes: the header `traceparent` of W3C Trace Context, level 1
/// (https://www.w3.org/TR/trace-context-1/).
package struct TraceContext: Hashable, Sendable {
    /// The same in all processes that a request goes through; 16 bytes, not all zero.
    package let traceID: TraceID
    /// Names what the caller does; not 0.
    package let parentID: UInt64
    /// Whether the caller may have recorded the trace. Other flags are not passed on.
    package let isSampled: Bool

    package init(traceID: TraceID, parentID: UInt64, isSampled: Bool) {
        (self.traceID, self.parentID, self.isSampled) = (traceID, parentID, isSampled)
    }

    /// Reads a header's value; nil if it is not valid, in which case the specification wants a new trace.
    ///
    /// A version that is not known is read as far as it looks like version 0, except 255, which is none.
    package init?(traceparent: String) {
        let bytes = Array(traceparent.utf8)
        guard bytes.count >= 55, let version = Self.number(bytes[0..<2]), version != 0xff,
            version == 0 ? bytes.count == 55 : bytes.count == 55 || bytes[55] == UInt8(ascii: "-"),
            [2, 35, 52].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }),
            let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]),
            let parentID = Self.number(bytes[36..<52]), parentID != 0,
            let flags = Self.number(bytes[53..<55]), let traceID = TraceID(high: high, low: low)
        else { return nil }
        self.init(traceID: traceID, parentID: parentID, isSampled: flags & 1 == 1)
    }

    /// The beginning of a new trace.
    package static func random() -> TraceContext {
        let traceID = TraceID(high: .random(in: .min ... .max), low: .random(in: 1 ... .max))
        // The low half is not 0.
        return TraceContext(
            traceID: traceID ?? .least,
            parentID: .random(in: 1 ... .max),
            isSampled: false
        )
    }

    /// The header for a call that this process makes: in the same trace, with a parent of its own.
    package var traceparent: String {
        "00-\(traceID)-\(TraceID.hexadecimal(parentID))-0\(isSampled ? 1 : 0)"
    }

    /// The same trace, seen from the next process on.
    package func child(parentID: UInt64) -> TraceContext {
        TraceContext(traceID: traceID, parentID: parentID, isSampled: isSampled)
    }

    /// Lower-case hexadecimal digits, at most 16; nil if there is anything else.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }
}

/// Names a trace: 16 bytes, not all zero.
package struct TraceID: Hashable, Sendable, CustomStringConvertible {
    static let least = TraceID(checked: (0, 1))

    private let high: UInt64
    private let low: UInt64

    private init(checked: (high: UInt64, low: UInt64)) {
        (high, low) = checked
    }

    /// Nil for zero.
    package init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.init(checked: (high, low))
    }

    /// Nil unless there are 16 bytes, not all zero.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.init(high: Self.number(bytes[..<8]), low: Self.number(bytes[8...]))
    }

    /// The bytes, most significant first.
    package var bytes: [UInt8] {
        [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * $0)) } }
    }

    package var description: String { Self.hexadecimal(high) + Self.hexadecimal(low) }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
