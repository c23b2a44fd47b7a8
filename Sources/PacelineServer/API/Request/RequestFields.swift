import NIOCore
package import PacelineChat

/// One JSON object of a request, read field by field.
///
/// A field that is null counts as absent. Fields that nobody reads are ignored: clients send many that mean nothing
/// here. An error names the field with its place, what was expected, and what came.
struct RequestFields {
    /// Where the object is in the body: empty for the body itself, otherwise for example `messages[2]`.
    let path: String
    private let mapping: TemplateMapping
    private let record: FieldRecord?

    /// Reads the body of a request.
    ///
    /// - Parameter record: gets the names of all fields, to log those that are ignored; nil to save the time.
    /// - Throws: ``APIError`` (400) unless the body is one JSON object.
    init(body: ByteBuffer, record: FieldRecord? = nil) throws(APIError) {
        let bytes = body.readableBytesView
        guard !bytes.isEmpty else { throw .invalidRequest("the body is empty; send one JSON object") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalidRequest("the body is not valid UTF-8; send it in that encoding")
        }
        if let (escape, offset) = LoneSurrogate.first(in: bytes) {
            throw .invalidRequest(
                "the body has \(escape) at byte \(offset), a lone surrogate, which is half of a character; "
                    + "send whole characters"
            )
        }
        let value: TemplateValue
        do throws(JSONReader.Failure) {
            value = try JSONReader.read(text)
        } catch {
            throw error.isTooDeep
                ? .tooDeep(error) : .invalidRequest("the body is not valid JSON: \(error); send one JSON object")
        }
        guard case .mapping(let mapping) = value else {
            throw .invalidRequest("the body must be one JSON object, not \(value.summary)")
        }
        self.init(mapping, path: "", record: record)
    }

    /// Reads the value of a field of the body.
    ///
    /// - Throws: ``APIError`` (400) unless it is an object.
    init(of name: String, _ value: TemplateValue) throws(APIError) {
        guard case .mapping(let mapping) = value else {
            throw .invalidRequest("\(name) must be an object, not \(value.summary)", param: name)
        }
        self.init(mapping, path: name, record: nil)
    }

    private init(_ mapping: TemplateMapping, path: String, record: FieldRecord?) {
        self.mapping = mapping
        self.path = path
        self.record = record
        if let record { for name in mapping.names { record.sawField(path, name) } }
    }

    /// The whole object, with its fields in the order in which they were written.
    var ordered: TemplateMapping {
        if let record { for name in mapping.names { record.readField(path, name) } }
        return mapping
    }

    /// The name of a field with its place, as in `messages[0].content`.
    func path(of name: String) -> String {
        path.isEmpty ? name : "\(path).\(name)"
    }

    /// A field's value; nil if it is absent or null.
    func value(_ name: String) -> TemplateValue? {
        record?.readField(path, name)
        guard let value = mapping[name] else { return nil }
        if case .none = value { return nil }
        return value
    }

    /// Whether the field is there, null included.
    func has(_ name: String) -> Bool {
        mapping[name] != nil
    }

    func string(_ name: String) throws(APIError) -> String? {
        guard let value = value(name) else { return nil }
        guard case .text(let text) = value else { throw mismatch(name, "a string", value) }
        return text.string
    }

    func bool(_ name: String) throws(APIError) -> Bool? {
        guard let value = value(name) else { return nil }
        guard case .bool(let bool) = value else { throw mismatch(name, "true or false", value) }
        return bool
    }

    /// A whole number; `5.0` is one too.
    func integer(_ name: String, in range: ClosedRange<Int>, _ expected: String? = nil) throws(APIError) -> Int? {
        guard let value = value(name) else { return nil }
        guard let number = value.wholeNumber, range.contains(number) else {
            throw mismatch(name, expected ?? Self.words(range), value)
        }
        return number
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max
            ? "a whole number of at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    }

    func number(_ name: String) throws(APIError) -> Double? {
        guard let value = value(name) else { return nil }
        guard let number = value.finiteNumber else { throw mismatch(name, "a number", value) }
        return number
    }

    func array(_ name: String, of items: String) throws(APIError) -> [TemplateValue]? {
        guard let value = value(name) else { return nil }
        guard case .list(let list) = value else { throw mismatch(name, "an array of \(items)", value) }
        return list.values
    }

    /// An array of token ids.
    func tokens(_ name: String) throws(APIError) -> [UInt32]? {
        guard let values = try array(name, of: "token ids") else { return nil }
        var tokens: [UInt32] = []
        tokens.reserveCapacity(values.count)
        for (place, value) in values.enumerated() {
            guard let token = value.tokenID else { throw mismatch("\(name)[\(place)]", "a token id", value) }
            tokens.append(token)
        }
        return tokens
    }

    func object(_ name: String) throws(APIError) -> RequestFields? {
        guard let value = value(name) else { return nil }
        return try object(name, value)
    }

    /// A value inside this object as an object of its own.
    ///
    /// - Parameter name: the field's name, with the place in its array if it has one.
    func object(_ name: String, _ value: TemplateValue) throws(APIError) -> RequestFields {
        guard case .mapping(let mapping) = value else { throw mismatch(name, "an object", value) }
        return RequestFields(mapping, path: path(of: name), record: record)
    }

    /// The error for a field that is missing.
    func missing(_ name: String, _ expected: String) -> APIError {
        .invalidRequest("\(path(of: name)) is missing; it must be \(expected)", param: path(of: name))
    }

    /// The error for a field with a value of another kind.
    func mismatch(_ name: String, _ expected: String, _ value: TemplateValue) -> APIError {
        .invalidRequest("\(path(of: name)) must be \(expected), not \(value.summary)", param: path(of: name))
    }

    /// The error for a field that asks for something that is not done here.
    func unsupported(_ name: String, _ value: TemplateValue, _ advice: String) -> APIError {
        .invalidRequest(
            "\(path(of: name)) is \(value.summary), which is not supported; \(advice)",
            param: path(of: name)
        )
    }
}

extension APIError {
    /// 400: the body is nested too deeply. Names the field by the outer steps to the place, since there are very many.
    fileprivate static func tooDeep(_ failure: JSONReader.Failure) -> APIError {
        let steps = failure.steps.suffix(8).reversed().map { $0.prefix(80) }.joined()
        let field = steps.hasPrefix(".") ? String(steps.dropFirst()) : nil
        return .invalidRequest("\(field ?? "the body"): \(failure); make it flatter", param: field)
    }
}

/// Which fields of a request were seen and which were read.
final class FieldRecord {
    private var seen: Set<String> = []
    private var read: Set<String> = []

    /// The names of the fields that nothing read, in order.
    var ignored: [String] { seen.subtracting(read).sorted() }

    func sawField(_ path: String, _ name: String) {
        seen.insert(Self.entry(path, name))
    }

    func readField(_ path: String, _ name: String) {
        read.insert(Self.entry(path, name))
    }

    /// Leaves out places in arrays, so that a thousand messages give one entry for each name.
    private static func entry(_ path: String, _ name: String) -> String {
        let general = path.filter { !$0.isNumber }
        return general.isEmpty ? name : "\(general).\(name)"
    }
}

extension TemplateMapping {
    /// The keys that are strings, in order.
    fileprivate var names: [String] {
        entries.compactMap { entry in
            if case .text(let name) = entry.key { name.string } else { nil }
        }
    }
}

extension TemplateValue {
    /// The value in a few characters, for error messages: scalars as JSON has them.
    var summary: String {
        switch self {
        case .none: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): "\(value)"
        case .numeral(let digits): digits.count > 40 ? "\(digits.prefix(40))…" : digits
        case .float(let value): "\(value)"
        case .text(let text):
            text.count > 40 ? "\"\(text.string.unicodeScalars.prefix(40))…\"" : "\"\(text.string)\""
        case .list(let items): items.values.isEmpty ? "an empty array" : "an array"
        case .mapping: "an object"
        default: "a value of another kind"
        }
    }

    /// A whole number, however JSON spells it; nil for everything else, booleans included.
    package var wholeNumber: Int? {
        switch self {
        case .int(let value): value
        case .float(let value): Int(exactly: value)
        default: nil
        }
    }

    /// A number that is none of the infinities, as a numeral beyond all doubles would be.
    package var finiteNumber: Double? {
        switch self {
        case .int(let value): Double(value)
        case .numeral(let digits): Double(digits).flatMap { $0.isFinite ? $0 : nil }
        case .float(let value): value.isFinite ? value : nil
        default: nil
        }
    }

    var tokenID: UInt32? { wholeNumber.flatMap { UInt32(exactly: $0) } }
}
