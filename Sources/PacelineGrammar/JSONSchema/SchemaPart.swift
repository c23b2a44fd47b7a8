import PacelineChat

/// A schema at its place in the document.
struct SchemaPart {
    var value: TemplateValue
    /// As in `$.properties.name`.
    var path: String
    /// Keywords that have been dealt with.
    var done: Set<String> = []

    /// Equal for parts that say the same.
    var key: String { done.isEmpty ? path : path + " without " + done.sorted().joined(separator: " ") }

    var mapping: TemplateMapping? {
        if case .mapping(let mapping) = value { mapping } else { nil }
    }

    /// A keyword's value; nil if there is none, or it has been dealt with.
    func keyword(_ name: String) -> SchemaPart? {
        guard !done.contains(name), let value = mapping?[name] else { return nil }
        return SchemaPart(value: value, path: "\(path).\(name)")
    }

    func without(_ name: String) -> SchemaPart {
        var rest = self
        rest.done.insert(name)
        return rest
    }

    func error(_ reason: String) -> GrammarError { GrammarError(path, reason) }

    // MARK: Values of keywords

    var items: [SchemaPart]? {
        guard case .list(let list) = value else { return nil }
        return list.values.enumerated().map { SchemaPart(value: $1, path: "\(path)[\($0)]") }
    }

    func list() throws(GrammarError) -> [SchemaPart] {
        guard let items, !items.isEmpty else { throw error("it must be an array that is not empty") }
        return items
    }

    func members() throws(GrammarError) -> [(name: String, schema: SchemaPart)] {
        guard let mapping else { throw error("it must be an object") }
        var members: [(name: String, schema: SchemaPart)] = []
        for entry in mapping.entries {
            guard case .text(let name) = entry.key else { continue }
            members.append((name.string, SchemaPart(value: entry.value, path: Self.path(path, name.string))))
        }
        return members
    }

    static func path(_ path: String, _ name: String) -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == 0x5f || byte == 0x24 || byte == 0x2d
        }
        return isPlain && !name.isEmpty ? "\(path).\(name)" : "\(path)[\"\(name)\"]"
    }

    func string() throws(GrammarError) -> String {
        guard case .text(let text) = value else { throw error("it must be a string") }
        return text.string
    }

    func bool() throws(GrammarError) -> Bool {
        guard case .bool(let bool) = value else { throw error("it must be true or false") }
        return bool
    }

    func names() throws(GrammarError) -> [String] {
        guard let items else { throw error("it must be an array of strings") }
        var names: [String] = []
        for item in items { names.append(try item.string()) }
        return names
    }

    /// A length; what is beyond all texts counts as no limit.
    func count() throws(GrammarError) -> Int32 {
        let number: Double? =
            switch value {
            case .int(let value): Double(value)
            case .float(let value): value
            case .numeral(let digits): Double(digits)
            default: nil
            }
        guard let number, number >= 0, number == number.rounded() else {
            throw error("it must be a whole number of at least 0")
        }
        return number >= Double(Self.countLimit) ? Self.countLimit : Int32(number)
    }

    static let countLimit: Int32 = 1 << 30

    func decimal() throws(GrammarError) -> DecimalBound {
        let spelling: String? =
            switch value {
            case .int(let value): String(value)
            case .float(let value): "\(value)"
            case .numeral(let digits): digits
            default: nil
            }
        guard let spelling else { throw error("it must be a number") }
        guard let decimal = DecimalBound(spelling) else {
            throw error("a number this large or with so many digits is not supported as a bound")
        }
        return decimal
    }
}
