import NIOCore
import PacelineChat

/// Where the fields of a JSON object are in its text, found without building the values: bodies may be long, and the
/// gateway needs a few small fields of them.
///
/// Texts that are not JSON may pass; the verifier says what is wrong with them.
struct JSONFields: Sendable {
    /// Far more than any request has; a body of braces and commas must not fill the memory.
    private static let limit = 4096

    private let bytes: ByteBufferView
    /// In the order of the text.
    private var fields: [(name: String, value: Range<Int>)] = []
    /// Where the closing brace is.
    private(set) var end = 0

    /// - Returns: nil unless the text is one object of not too many fields.
    init?(_ body: ByteBuffer) {
        bytes = body.readableBytesView
        var scan = Scan(bytes)
        guard scan.skip(UInt8(ascii: "{")) else { return nil }
        while !scan.skip(UInt8(ascii: "}")) {
            guard fields.count < Self.limit, fields.isEmpty || scan.skip(UInt8(ascii: ",")) else { return nil }
            guard let key = scan.string(), scan.skip(UInt8(ascii: ":")), let value = scan.value() else { return nil }
            guard let name = Self.text(bytes[key]) else { return nil }
            fields.append((name, value))
        }
        end = scan.place - 1
        guard scan.isAtEnd else { return nil }
    }

    var isEmpty: Bool { fields.isEmpty }

    /// Where a field's value is; of a field that comes twice the last one, as for the verifier.
    func range(_ name: String) -> Range<Int>? {
        fields.last { $0.name == name }?.value
    }

    /// A field's text as it stands in the body, for large values.
    func raw(_ name: String) -> ByteBufferView? {
        range(name).map { bytes[$0] }
    }

    /// A small field's value; nil if it is absent, null, or not JSON.
    func value(_ name: String) -> TemplateValue? {
        guard let range = range(name), let text = String(validating: bytes[range], as: UTF8.self) else { return nil }
        guard let value = try? JSONReader.read(text) else { return nil }
        if case .none = value { return nil }
        return value
    }

    /// Whether a field is absent or null.
    func isAbsent(_ name: String) -> Bool {
        guard let raw = raw(name) else { return true }
        return raw.elementsEqual("null".utf8)
    }

    /// The number of entries of an array, and whether the first is a number; nil for another value.
    func entries(_ name: String) -> (count: Int, areNumbers: Bool)? {
        guard let raw = raw(name) else { return nil }
        var scan = Scan(raw)
        guard scan.skip(UInt8(ascii: "[")) else { return nil }
        if scan.skip(UInt8(ascii: "]")) { return (0, false) }
        var count = 0
        repeat {
            guard let entry = scan.value() else { return nil }
            count += 1
            if count == 1, let first = raw[entry].first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) {
                return (raw.reduce(1) { $0 + ($1 == UInt8(ascii: ",") ? 1 : 0) }, true)
            }
        } while scan.skip(UInt8(ascii: ","))
        return scan.skip(UInt8(ascii: "]")) ? (count, false) : nil
    }

    /// A key without its quotation marks. Hardly any has an escape.
    private static func text(_ key: ByteBufferView) -> String? {
        guard key.contains(UInt8(ascii: "\\")) else { return String(validating: key, as: UTF8.self) }
        let quoted = "\"" + String(decoding: key, as: UTF8.self) + "\""
        guard case .text(let text)? = try? JSONReader.read(quoted) else { return nil }
        return text.string
    }
}

/// Walks over JSON without looking at what it means.
private struct Scan {
    private let bytes: ByteBufferView
    private(set) var place: Int

    init(_ bytes: ByteBufferView) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return place == bytes.endIndex
        }
    }

    private mutating func skipSpace() {
        while place < bytes.endIndex {
            switch bytes[place] {
            case 0x20, 0x09, 0x0a, 0x0d: place += 1
            default: return
            }
        }
    }

    /// Passes over spaces and one byte; false if another byte comes.
    mutating func skip(_ byte: UInt8) -> Bool {
        skipSpace()
        guard place < bytes.endIndex, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    /// Passes over a string and returns where its content is.
    mutating func string() -> Range<Int>? {
        guard skip(UInt8(ascii: "\"")) else { return nil }
        let start = place
        while place < bytes.endIndex {
            let byte = bytes[place]
            place += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return start..<(place - 1) }
        }
        return nil
    }

    /// Passes over a value and returns where it is.
    mutating func value() -> Range<Int>? {
        skipSpace()
        let start = place
        var depth = 0
        while place < bytes.endIndex {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                guard string() != nil else { return nil }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                place += 1
                continue
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard depth > 0 else { return nil }
                depth -= 1
                place += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                guard depth > 0 else { return nil }
                place += 1
                continue
            case 0x20, 0x09, 0x0a, 0x0d:
                place += 1
                continue
            default: skipWord()
            }
            if depth == 0 { return start..<place }
        }
        return nil
    }

    /// Passes over a number, `true`, `false` or `null`.
    private mutating func skipWord() {
        while place < bytes.endIndex {
            switch bytes[place] {
            case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: "\""),
                UInt8(ascii: "{"), UInt8(ascii: "["), 0x20, 0x09, 0x0a, 0x0d:
                return
            default: place += 1
            }
        }
    }
}
