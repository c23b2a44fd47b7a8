/// A drafter without a model as a user names it: `NAME[:key=value,…]`, as in `ngram:max=4,min=2`.
package struct LookUpSettings: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, CaseIterable, Sendable {
        case ngram, suffix, recycling, trie, phrases, datastore
    }

    /// What can be set.
    package enum Key: String, CaseIterable, Sendable {
        /// The longest and the shortest context that is looked up, in tokens.
        case max, min
        /// The length of a passage that is remembered, in tokens.
        case length
        /// Successors of a token that are remembered.
        case width
        /// Bytes for what all sequences of a worker share.
        case memory
    }

    package let kind: Kind
    /// Of a datastore; empty for other kinds.
    package let path: String
    private let values: [Key: Int]
    /// The settings as the user wrote them.
    private let written: String

    /// Reads a name.
    ///
    /// - Returns: nil if the part before the colon names no drafter without a model.
    package init?(_ text: String) throws(LookUpSettingsError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let kind = Kind(rawValue: String(parts[0])) else { return nil }
        var fields: [Substring] = []
        if parts.count == 2 { fields = parts[1].split(separator: ",", omittingEmptySubsequences: false) }
        var path = ""
        if kind == .datastore {
            guard let first = fields.first, !first.isEmpty else { throw .noPath }
            path = String(fields.removeFirst())
        }
        var values: [Key: Int] = [:]
        for field in fields {
            let (key, value) = try Self.read(String(field), of: kind)
            guard values.updateValue(value, forKey: key) == nil else { throw .repeated(kind, key) }
        }
        (self.kind, self.path, self.values) = (kind, path, values)
        written = fields.joined(separator: ",")
        if kind.defaults[.min] != nil, self[.min] > self[.max] {
            throw .crossed(kind, min: self[.min], max: self[.max])
        }
    }

    package subscript(key: Key) -> Int {
        values[key] ?? kind.defaults[key] ?? 0
    }

    package var description: String {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        let settings = [name, written].filter { !$0.isEmpty }.joined(separator: ",")
        return settings.isEmpty ? kind.rawValue : "\(kind.rawValue):\(settings)"
    }

    private static func read(_ field: String, of kind: Kind) throws(LookUpSettingsError) -> (Key, Int) {
        let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let key = Key(rawValue: parts[0]), kind.defaults[key] != nil, parts.count == 2 else {
            throw .unknown(kind, field)
        }
        let number = key == .memory ? Self.bytes(parts[1]) : Int(parts[1])
        guard let number, key.range.contains(number) else { throw .value(kind, key, parts[1]) }
        return (key, number)
    }

    /// Reads 64MiB, 1GiB, 512KiB or a number of bytes.
    private static func bytes(_ text: String) -> Int? {
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
        guard let unit = units.first(where: { text.hasSuffix($0.0) }) else { return Int(text) }
        guard let number = Int(text.dropLast(3)), number >= 0 else { return nil }
        let (product, overflows) = number.multipliedReportingOverflow(by: unit.1)
        return overflows ? nil : product
    }
}

extension LookUpSettings.Kind {
    /// What can be set of a kind, with the values that hold otherwise.
    package var defaults: [LookUpSettings.Key: Int] {
        switch self {
        case .ngram: [.max: 4, .min: 1]
        case .suffix: [.max: 16, .min: 1, .memory: 64 << 20]
        case .recycling: [.width: 8, .memory: 16 << 20]
        case .trie: [.max: 4, .length: 12, .memory: 64 << 20]
        case .phrases: [.length: 6, .memory: 16 << 20]
        case .datastore: [.max: 16, .min: 2]
        }
    }

    /// What can be set, as a user writes it.
    package var keys: [String] {
        LookUpSettings.Key.allCases.filter { defaults[$0] != nil }.map(\.rawValue)
    }

    /// An example of the kind's settings.
    package var example: String {
        switch self {
        case .ngram: "ngram:max=4,min=2"
        case .suffix: "suffix:memory=64MiB"
        case .recycling: "recycling:width=8"
        case .trie: "trie:max=4,length=12"
        case .phrases: "phrases:length=6"
        case .datastore: "datastore:corpus.datastore,max=16"
        }
    }
}

extension LookUpSettings.Key {
    /// The values that are possible.
    package var range: ClosedRange<Int> {
        switch self {
        case .max, .min: 1...64
        case .length: 2...64
        case .width: 1...64
        case .memory: 0...(1 << 40)
        }
    }

    fileprivate var bounds: String {
        self == .memory
            ? "0 to 1024GiB, as a number of bytes or as in 64MiB" : "\(range.lowerBound) to \(range.upperBound)"
    }
}

/// Why a drafter's settings make no sense.
package enum LookUpSettingsError: Error, Hashable, CustomStringConvertible {
    case noPath
    case unknown(LookUpSettings.Kind, String)
    case value(LookUpSettings.Kind, LookUpSettings.Key, String)
    case repeated(LookUpSettings.Kind, LookUpSettings.Key)
    case crossed(LookUpSettings.Kind, min: Int, max: Int)

    package var description: String {
        switch self {
        case .noPath:
            "datastore needs a file, as in \(LookUpSettings.Kind.datastore.example); "
                + "make one with paceline datastore build"
        case .unknown(let kind, let field):
            "\(kind.rawValue) has no setting \"\(field)\"; it has \(kind.keys.joined(separator: " and ")), "
                + "as in \(kind.example)"
        case .value(let kind, let key, let value):
            "\(key.rawValue) of \(kind.rawValue) must be \(key.bounds), not \"\(value)\""
        case .repeated(let kind, let key):
            "\(key.rawValue) of \(kind.rawValue) is set twice; set it once"
        case .crossed(let kind, let min, let max):
            "min of \(kind.rawValue) is \(min) and max is \(max); min must not be greater"
        }
    }
}
