/// Strings that end generation: in JSON one string or an array of them.
package struct StopStrings: Sendable, Hashable {
    /// The most strings of a request.
    package static let countLimit = 16
    /// The most UTF-8 bytes of one string.
    package static let lengthLimit = 1024

    package var strings: [String]

    package init(_ strings: [String]) {
        self.strings = strings
    }

    /// Throws if there are too many strings, or one is too long or empty.
    package func validate() throws(APIError) {
        guard strings.count <= Self.countLimit else {
            throw .invalidRequest("stop may name at most \(Self.countLimit) strings, not \(strings.count)")
        }
        guard !strings.contains(where: \.isEmpty) else {
            throw .invalidRequest("stop names an empty string, which would end every text before it begins")
        }
        if let long = strings.first(where: { $0.utf8.count > Self.lengthLimit }) {
            throw .invalidRequest(
                "a stop string may have at most \(Self.lengthLimit) bytes, not \(long.utf8.count)"
            )
        }
    }
}

extension StopStrings: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            strings = []
        } else if let string = try? container.decode(String.self) {
            strings = [string]
        } else if let several = try? container.decode([String].self) {
            strings = several
        } else {
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "must be a string or an array of strings"
                )
            )
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(strings)
    }
}
