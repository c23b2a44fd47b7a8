import FoundationEssentials
package import NIOCore

/// JSON in and out of byte buffers, with errors in the words of the API.
package enum JSON {
    /// Decodes what a client sent.
    ///
    /// - Throws: ``GatewayError`` (400) naming the field at fault.
    package static func decode<Value: Decodable>(_ type: Value.Type, from body: ByteBuffer) throws(GatewayError)
        -> Value
    {
        do {
            return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
        } catch let error as DecodingError {
            throw .invalidRequest(sentence(for: error))
        } catch {
            throw .invalidRequest("the body is not valid JSON; send one JSON object")
        }
    }

    /// One line of JSON: no line breaks, keys sorted, slashes plain.
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(value))
    }

    private static func sentence(for error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            "the field \(path(context.codingPath + [key])) is missing; the request cannot do without it"
        case .typeMismatch(let type, let context):
            "the field \(path(context.codingPath)) must be \(noun(for: type)); something else came"
        case .valueNotFound(let type, let context):
            "the field \(path(context.codingPath)) must be \(noun(for: type)), not null"
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            "the field \(path(context.codingPath)) \(outOfRange(context.debugDescription))"
        default:
            "the body is not valid JSON; send one JSON object"
        }
    }

    /// Foundation says "Number X is not representable in Swift." of numbers that do not fit their field.
    private static func outOfRange(_ description: String) -> String {
        description.hasPrefix("must ") ? description : "has a number that does not fit it; use a smaller one"
    }

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
