import CPacelineProtocol
import PacelineSpeculation

/// Rules for fields that several messages share.
enum Check {
    static func range(
        _ field: String,
        _ value: Int,
        _ allowed: ClosedRange<Int>
    ) throws(MessageError.Problem) {
        guard allowed.contains(value) else { throw .outOfRange(field: field, found: value, allowed: allowed) }
    }

    static func nonzero(_ field: String, _ value: UInt64) throws(MessageError.Problem) {
        guard value != 0 else { throw .zero(field: field) }
    }

    /// Checks that text is present; `Copy.text` checks its length.
    static func notEmpty(_ field: String, _ text: String) throws(MessageError.Problem) {
        guard !text.isEmpty else { throw .empty(field: field) }
    }

    static func digest(
        _ field: String,
        _ bytes: [UInt8],
        orEmpty isOptional: Bool = false
    ) throws(MessageError.Problem) {
        guard bytes.count == WireLimits.digestBytes || isOptional && bytes.isEmpty else {
            let allowed = "\(isOptional ? "0 or " : "")\(WireLimits.digestBytes)"
            throw .byteCount(field: field, found: bytes.count, allowed: allowed)
        }
    }

    /// Checks a trace's name, which may be missing.
    static func traceID(_ bytes: [UInt8]) throws(MessageError.Problem) {
        guard !bytes.isEmpty else { return }
        guard bytes.count == WireLimits.traceIDBytes else {
            throw .byteCount(field: "trace_id", found: bytes.count, allowed: "0 or \(WireLimits.traceIDBytes)")
        }
        guard bytes.contains(where: { $0 != 0 }) else { throw .zero(field: "trace_id") }
    }

    static func tokens(
        _ tokens: some Sequence<Token>,
        vocabularySize: Int
    ) throws(MessageError.Problem) {
        for token in tokens where token >= vocabularySize {
            throw .tree(.tokenOutOfVocabulary(token: token, vocabularySize: vocabularySize))
        }
    }

    static func present<Value>(
        _ field: String,
        _ pointer: UnsafeMutablePointer<Value>?
    ) throws(MessageError.Problem) -> Value {
        guard let pointer else { throw .missing(field: field) }
        return pointer.pointee
    }
}

/// Copies from C structures, with limits checked before anything is allocated.
enum Copy {
    static func elements<Element>(
        _ field: String,
        _ pointer: UnsafeMutablePointer<Element>?,
        count: Int,
        atMost limit: Int
    ) throws(MessageError.Problem) -> [Element] {
        try Check.range("the count of \(field)", count, 0...limit)
        return Array(UnsafeBufferPointer(start: pointer, count: count))
    }

    static func bytes(
        _ field: String,
        _ data: ProtobufCBinaryData
    ) throws(MessageError.Problem) -> [UInt8] {
        guard data.len <= WireLimits.digestBytes else {
            throw .byteCount(field: field, found: data.len, allowed: "at most \(WireLimits.digestBytes)")
        }
        return Array(UnsafeBufferPointer(start: data.data, count: data.len))
    }

    static func text(
        _ field: String,
        _ pointer: UnsafeMutablePointer<CChar>?,
        atMost limit: Int
    ) throws(MessageError.Problem) -> String {
        guard let pointer else { return "" }
        guard let text = String(validatingCString: pointer) else { throw .notText(field: field) }
        guard text.utf8.count <= limit else {
            throw .byteCount(field: field, found: text.utf8.count, allowed: "at most \(limit)")
        }
        return text
    }
}
