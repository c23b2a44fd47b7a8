/// Writes values as Python's `json.dumps` does, which is what `tojson` is in chat templates.
struct JSONWriter {
    /// `indent`: nil writes everything in one line.
    var indent: ChatText?
    /// `separators`
    var itemSeparator: ChatText = ", "
    var keySeparator: ChatText = ": "
    var escapesNonASCII = false
    var sortsKeys = false

    private(set) var text = ChatText.empty
    private let budget: Int

    init(budget: Int) {
        self.budget = budget
    }

    /// - Throws: for values that JSON cannot hold, and when the text becomes longer than allowed.
    mutating func write(_ value: TemplateValue, level: Int = 0) throws(CallFailure) {
        guard text.count <= budget else {
            throw CallFailure(.limit("it makes a text of more than \(budget) characters"))
        }
        switch value {
        case .none: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let value): text += ChatText(String(value))
        case .numeral(let digits): text += ChatText(digits)
        case .float(let value): text += ChatText(Self.spelling(of: value))
        case .text(let string): write(string)
        case .list(let items), .tuple(let items):
            try enclose("[", items.values, "]", level: level) { writer, item throws(CallFailure) in
                try writer.write(item, level: level + 1)
            }
        case .mapping(let mapping):
            let entries = sortsKeys ? try sorted(mapping.entries) : mapping.entries
            try enclose("{", entries, "}", level: level) { writer, entry throws(CallFailure) in
                writer.write(try Self.key(entry.key))
                writer.text += writer.keySeparator
                try writer.write(entry.value, level: level + 1)
            }
        default: throw CallFailure("Object of type \(value.typeName) is not JSON serializable")
        }
    }

    private mutating func enclose<Item>(
        _ open: ChatText,
        _ items: [Item],
        _ close: ChatText,
        level: Int,
        write: (inout JSONWriter, Item) throws(CallFailure) -> Void
    ) throws(CallFailure) {
        text += open
        for (place, item) in items.enumerated() {
            if place > 0 { text += itemSeparator }
            breakLine(level + 1)
            try write(&self, item)
        }
        if !items.isEmpty { breakLine(level) }
        text += close
    }

    private mutating func breakLine(_ level: Int) {
        guard let indent else { return }
        text += "\n"
        for _ in 0..<level { text += indent }
    }

    private func sorted(
        _ entries: [TemplateMapping.Entry]
    ) throws(CallFailure) -> [TemplateMapping.Entry] {
        var keyed: [(name: ChatText, entry: TemplateMapping.Entry)] = []
        for entry in entries {
            guard case .text(let name) = entry.key else {
                throw CallFailure("sort_keys needs keys that are strings")
            }
            keyed.append((name, entry))
        }
        return keyed.sorted { $0.name < $1.name }.map(\.entry)
    }

    private static func key(_ key: TemplateValue) throws(CallFailure) -> ChatText {
        switch key {
        case .text(let text): text
        case .none: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): ChatText(String(value))
        case .float(let value): ChatText(spelling(of: value))
        default: throw CallFailure("keys must be str, int, float, bool or None, not \(key.typeName)")
        }
    }

    private static func spelling(of value: Double) -> String {
        guard !value.isFinite else { return PythonWriter.spelling(of: value) }
        return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    }

    private mutating func write(_ string: ChatText) {
        var units: [ChatText.Unit] = [0x22]
        for unit in string.units {
            let mark = unit & ChatText.mark
            let value = ChatText.value(unit)
            if let escape = Self.escape(value) ?? (escapesNonASCII && value > 0x7e ? Self.unicodeEscape(value) : nil) {
                units += escape.unicodeScalars.map { $0.value | mark }
            } else {
                units.append(unit)
            }
        }
        text += ChatText(units: units + [0x22])
    }

    private static func escape(_ value: UInt32) -> String? {
        switch value {
        case 0x22: "\\\""
        case 0x5c: "\\\\"
        case 0x0a: "\\n"
        case 0x0d: "\\r"
        case 0x09: "\\t"
        case 0x08: "\\b"
        case 0x0c: "\\f"
        case 0..<0x20: unicodeEscape(value)
        default: nil
        }
    }

    private static func unicodeEscape(_ value: UInt32) -> String {
        let units = Unicode.Scalar(value).map { Array(String($0).utf16) } ?? []
        return units.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }
}

extension TemplateValue {
    /// The value as JSON, as `tojson` writes it; nil for values that JSON cannot hold.
    package var json: String? {
        var writer = JSONWriter(budget: .max)
        guard (try? writer.write(self)) != nil else { return nil }
        return writer.text.string
    }
}
