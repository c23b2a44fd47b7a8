/// Writes values as Python's `str` and `repr` do.
struct PythonWriter {
    private(set) var text = ChatText.empty
    /// The text would have become longer than allowed, and ends early.
    private(set) var isExhausted = false
    private let budget: Int
    private var depth = 0
    /// Namespaces can contain one another without end.
    private static let depthLimit = 500

    /// - Parameter budget: the most scalars to write.
    init(budget: Int) {
        self.budget = budget
    }

    mutating func write(_ piece: ChatText) {
        guard text.count + piece.count <= budget else {
            isExhausted = true
            return
        }
        text += piece
    }

    /// As `str(value)`.
    mutating func print(_ value: TemplateValue) {
        switch value {
        case .text(let text): write(text)
        case .undefined: break
        default: represent(value)
        }
    }

    /// As `repr(value)`.
    mutating func represent(_ value: TemplateValue) {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthLimit { isExhausted = true }
        guard !isExhausted else { return }
        switch value {
        case .undefined: write("Undefined")
        case .none: write("None")
        case .bool(let value): write(value ? "True" : "False")
        case .int(let value): write(ChatText(String(value)))
        case .numeral(let digits): write(ChatText(digits))
        case .float(let value): write(ChatText(Self.spelling(of: value)))
        case .text(let text): represent(text)
        case .list(let items): enclose("[", items.values, "]")
        case .tuple(let items): enclose("(", items.values, items.count == 1 ? ",)" : ")")
        case .mapping(let mapping): represent(mapping)
        case .range(let start, let end, let step):
            write(ChatText("range(\(start), \(end)" + (step == 1 ? ")" : ", \(step))")))
        case .view(let kind, let items):
            write(ChatText(kind))
            enclose("([", items.values, "])")
        case .namespace(let namespace):
            write("<Namespace ")
            represent(namespace.values)
            write(">")
        case .iterator: write("<generator object>")
        case .loop(let loop): write(ChatText("<LoopContext \(loop.index + 1)/\(loop.items.count)>"))
        case .callable(.macro(let macro)):
            let name = macro.definition.name
            write(ChatText(name == "caller" ? "<Macro anonymous>" : "<Macro '\(name)'>"))
        case .callable: write("<function>")
        }
    }

    private mutating func enclose(_ open: ChatText, _ items: [TemplateValue], _ close: ChatText) {
        write(open)
        for (place, item) in items.enumerated() {
            if place > 0 { write(", ") }
            represent(item)
        }
        write(close)
    }

    private mutating func represent(_ mapping: TemplateMapping) {
        write("{")
        for (place, entry) in mapping.entries.enumerated() {
            if place > 0 { write(", ") }
            represent(entry.key)
            write(": ")
            represent(entry.value)
        }
        write("}")
    }

    private mutating func represent(_ text: ChatText) {
        let scalars = text.units.map(ChatText.value)
        let quote: UInt32 = scalars.contains(0x27) && !scalars.contains(0x22) ? 0x22 : 0x27
        var units: [ChatText.Unit] = [quote]
        for unit in text.units {
            let mark = unit & ChatText.mark
            let value = ChatText.value(unit)
            switch value {
            case 0x5c, quote: units += [0x5c | mark, unit]
            case 0x0a: units += [0x5c | mark, 0x6e | mark]
            case 0x0d: units += [0x5c | mark, 0x72 | mark]
            case 0x09: units += [0x5c | mark, 0x74 | mark]
            case _ where Self.isPrintable(ChatText.scalar(unit)): units.append(unit)
            default: units += Self.escape(value).unicodeScalars.map { $0.value | mark }
            }
        }
        write(ChatText(units: units + [quote]))
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }

    private static func escape(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        let (letter, width) = value <= 0xff ? ("x", 2) : value <= 0xffff ? ("u", 4) : ("U", 8)
        return "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
    }

    /// A floating-point number as Python spells it: the shortest digits that read back as the same number. It has an
    /// exponent from 1e16 on and below 1e-4.
    static func spelling(of value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        guard value != 0 else { return value.sign == .minus ? "-0.0" : "0.0" }
        let parts = "\(value.magnitude)".lowercased().split(separator: "e")
        let mantissa = parts[0].split(separator: ".")
        var digits = mantissa[0] + (mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : "")
        // The position of the decimal point, counted from the first digit.
        var point = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
        while digits.count > 1, digits.first == "0" {
            digits.removeFirst()
            point -= 1
        }
        while digits.count > 1, digits.last == "0" { digits.removeLast() }
        let sign = value < 0 ? "-" : ""
        if point > 16 || point < -3 {
            let exponent = point - 1
            let fraction = digits.dropFirst()
            let size = String(abs(exponent))
            return sign + digits.prefix(1) + (fraction.isEmpty ? "" : "." + fraction) + "e"
                + (exponent < 0 ? "-" : "+") + (size.count < 2 ? "0" : "") + size
        }
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if point >= digits.count { return sign + digits + String(repeating: "0", count: point - digits.count) + ".0" }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }
}
