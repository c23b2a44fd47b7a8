/// A mapping that keeps the order in which keys were inserted, as Python's does: what a template prints must not depend
/// on a hash seed.
package struct TemplateMapping {
    package struct Entry {
        package var key: TemplateValue
        package var value: TemplateValue
    }

    package private(set) var entries: [Entry] = []
    private var places: [TemplateKey: Int] = [:]
    /// How many containers are nested in each other, this one included.
    private(set) var depth = 1

    package init() {}

    var isEmpty: Bool { entries.isEmpty }
    package var count: Int { entries.count }

    /// The value of a key; nil where there is none, and for keys that cannot be in a mapping.
    subscript(key: TemplateValue) -> TemplateValue? {
        TemplateKey(key).flatMap { places[$0] }.map { entries[$0].value }
    }

    package subscript(name: String) -> TemplateValue? {
        self[.string(name)]
    }

    /// Sets a key's value, at the place it had or else at the end.
    ///
    /// - Returns: false if the value cannot be a key.
    @discardableResult
    mutating func set(_ key: TemplateValue, _ value: TemplateValue) -> Bool {
        guard let hashed = TemplateKey(key) else { return false }
        depth = max(depth, value.depth + 1, key.depth + 1)
        if let place = places[hashed] {
            entries[place].value = value
        } else {
            places[hashed] = entries.count
            entries.append(Entry(key: key, value: value))
        }
        return true
    }

    /// Sets the value of a key that is part of the program, such as `role`.
    package mutating func set(_ name: String, _ value: TemplateValue) {
        set(.string(name), value)
    }
}

extension TemplateMapping: Equatable {
    package static func == (left: TemplateMapping, right: TemplateMapping) -> Bool {
        left.count == right.count && left.entries.allSatisfy { right[$0.key] == $0.value }
    }
}

extension TemplateValue {
    /// Whether Python could look the value up in a mapping.
    var isHashable: Bool {
        switch self {
        case .list, .mapping: false
        case .view(let kind, _): kind == "dict_values"
        case .tuple(let items): items.values.allSatisfy(\.isHashable)
        default: true
        }
    }
}

/// A key by value: `1`, `1.0` and `True` are one key, as in Python.
enum TemplateKey: Hashable {
    case none
    case number(Double)
    case integer(Int)
    case text(ChatText)
    case tuple([TemplateKey])

    init?(_ value: TemplateValue) {
        switch value {
        case .none: self = .none
        case .text(let text): self = .text(text)
        case .bool, .int: self = .integer(value.integer ?? 0)
        case .float(let number):
            self = Int(exactly: number).map { .integer($0) } ?? .number(number)
        case .tuple(let items):
            let keys = items.values.compactMap { TemplateKey($0) }
            guard keys.count == items.count else { return nil }
            self = .tuple(keys)
        default: return nil
        }
    }
}
