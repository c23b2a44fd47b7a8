import FoundationEssentials
package import NIOCore

/// Decodes and encodes JSON, with errors in the terms of the API.
package enum JSON {
    /// Decodes a client's body.
    ///
    /// - Throws: ``APIError`` (400) that names the invalid field.
    package static func decode<Value: Decodable>(_ type: Value.Type, from body: ByteBuffer) throws(APIError)
        -> Value
    {
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch {
            throw .invalidRequest(
                fault(inText: body.readableBytesView) ?? (error as? DecodingError).map(sentence) ?? notJSON
            )
        }
    }

    /// One line of JSON: without line breaks, with sorted keys and unescaped slashes.
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(value))
    }

    /// What is wrong with the characters of a body; Foundation only says that it is not JSON.
    private static func fault(inText bytes: ByteBufferView) -> String? {
        if let (escape, offset) = LoneSurrogate.first(in: bytes) {
            return "the body has \(escape) at byte \(offset), a lone surrogate, which is half of a character; "
                + "send whole characters"
        }
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        return "the body is not valid UTF-8; send it in that encoding"
    }

    private static func sentence(for error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            "the field \(path(context.codingPath + [key])) is missing; add it to the request"
        case .typeMismatch(let type, let context):
            "the field \(path(context.codingPath)) must be \(noun(for: type)); something else came"
        case .valueNotFound(let type, let context):
            "the field \(path(context.codingPath)) must be \(noun(for: type)), not null"
        case .dataCorrupted(let context) where context.debugDescription.hasPrefix("must "):
            "the field \(path(context.codingPath)) \(context.debugDescription)"
        case .dataCorrupted: notJSON
        @unknown default: notJSON
        }
    }

    /// For a number out of range, Foundation reports neither the place nor the reason.
    private static let notJSON =
        "the body is not valid JSON, or has a number that is out of the range of its field; send one JSON object"

    private static func path(_ keys: [any CodingKey]) -> String {
        guard !keys.isEmpty else { return "at the top" }
        return keys.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }.joined(separator: ".")
    }

    private static func noun(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is Float.Type, is Double.Type: "a number"
        case is any BinaryInteger.Type: "a whole number"
        case is any Sequence.Type: "an array or object"
        default: "an object"
        }
    }
}
