import PacelineChat

/// Strings that end generation: in JSON one string or an array of them.
package struct StopStrings: Sendable, Hashable {
    /// The most strings of a request.
    package static let countLimit = 16
    /// The most UTF-8 bytes of one string.
    package static let lengthLimit = 1024

    package let strings: [String]

    /// - Throws: ``APIError`` (400) if there are too many strings, or one is too long or empty.
    package init(_ strings: [String]) throws(APIError) {
        self.strings = strings
        guard strings.count <= Self.countLimit else {
            throw Self.invalid("stop may name at most \(Self.countLimit) strings, not \(strings.count)")
        }
        guard !strings.contains(where: \.isEmpty) else {
            throw Self.invalid("stop names an empty string, which would end every text before it begins")
        }
        if let long = strings.first(where: { $0.utf8.count > Self.lengthLimit }) {
            throw Self.invalid("a stop string may have at most \(Self.lengthLimit) bytes, not \(long.utf8.count)")
        }
    }

    init(_ fields: RequestFields) throws(APIError) {
        guard let value = fields.value("stop") else {
            try self.init([])
            return
        }
        var strings: [String] = []
        switch value {
        case .text(let text): strings = [text.string]
        case .list(let list):
            for (place, value) in list.values.enumerated() {
                guard case .text(let text) = value else { throw fields.mismatch("stop[\(place)]", "a string", value) }
                strings.append(text.string)
            }
        default: throw fields.mismatch("stop", "a string or an array of strings", value)
        }
        try self.init(strings)
    }

    private static func invalid(_ message: String) -> APIError {
        .invalidRequest(message, param: "stop")
    }
}
