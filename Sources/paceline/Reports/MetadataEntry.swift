import PacelineModel

/// One metadata key of a GGUF file with its value; for an array, only the element kind and the count.
struct MetadataEntry: Encodable {
    private struct ArraySummary: Encodable {
        var array: String
        var count: Int
    }

    /// How many characters of a string a table shows.
    private static let shownLength = 60

    var key: String
    var value: GGUFValue

    enum CodingKeys: String, CodingKey {
        case key, value
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key, forKey: .key)
        switch value {
        case .unsigned(let number): try container.encode(number, forKey: .value)
        case .signed(let number): try container.encode(number, forKey: .value)
        case .float(let number) where number.isFinite: try container.encode(number, forKey: .value)
        case .float(let number): try container.encode("\(number)", forKey: .value)
        case .bool(let flag): try container.encode(flag, forKey: .value)
        case .string(let text): try container.encode(text, forKey: .value)
        case .array(let array):
            try container.encode(ArraySummary(array: "\(array.elementKind)", count: array.count), forKey: .value)
        }
    }

    /// The value on one line of a table.
    var shortText: String {
        switch value {
        case .unsigned(let number): "\(number)"
        case .signed(let number): "\(number)"
        case .float(let number): "\(Float(number))"
        case .bool(let flag): "\(flag)"
        case .array(let array): "\(array.count) x \(array.elementKind)"
        case .string(let text):
            text.count <= Self.shownLength
                ? text.oneLine : String(text.prefix(Self.shownLength)).oneLine + " … (\(text.utf8.count) bytes)"
        }
    }
}

extension String {
    /// With line breaks and control characters escaped.
    fileprivate var oneLine: String {
        String(debugDescription.dropFirst().dropLast()).replacing("\\\"", with: "\"")
    }
}
