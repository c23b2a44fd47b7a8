/// What may follow `|`.
enum TemplateFilters {
    static let names: Set<String> = text.union(numbers).union(sequences).union(["tojson", "default", "d", "attr"])
    private static let text: Set<String> = [
        "string", "safe", "upper", "lower", "capitalize", "title", "trim", "replace", "indent", "escape", "e", "format",
        "center", "wordcount",
    ]
    private static let numbers: Set<String> = ["int", "float", "abs", "round"]
    private static let sequences: Set<String> = [
        "length", "count", "first", "last", "list", "join", "items", "map", "select", "reject", "selectattr",
        "rejectattr", "sort", "unique", "reverse", "sum", "min", "max", "dictsort", "batch",
    ]

    static func apply(
        _ name: String,
        to value: TemplateValue,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> TemplateValue {
        guard names.contains(name) else { throw CallFailure("there is no filter '\(name)'") }
        if text.contains(name) { return try TextFilters.apply(name, to: value, arguments, &renderer) }
        if sequences.contains(name) { return try SequenceFilters.apply(name, to: value, arguments, &renderer) }
        switch name {
        case "tojson": return .text(try json(value, arguments, &renderer))
        case "default", "d":
            let given = try arguments.bound(to: "default_value", "boolean", of: name)
            let isMissing = value.isUndefined || (given["boolean"]?.isTrue ?? false) && !value.isTrue
            return isMissing ? given["default_value"] ?? .string("") : value
        case "attr":
            guard case .text(let attribute)? = arguments.positional.first else {
                throw CallFailure("attr needs a name")
            }
            if case .mapping = value, !TemplateMethods.exists(attribute.string, of: value) {
                return .undefined(name: "'\(attribute.string)'")
            }
            return try renderer.lookUp(attribute.string, in: value)
        default: return try number(name, value, arguments)
        }
    }

    /// `json.dumps` with the arguments that Hugging Face's `tojson` has.
    private static func json(
        _ value: TemplateValue,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> ChatText {
        let given = try arguments.bound(to: "ensure_ascii", "indent", "separators", "sort_keys", of: "tojson")
        var writer = JSONWriter(budget: renderer.limits.output)
        writer.escapesNonASCII = given["ensure_ascii"]?.isTrue ?? false
        writer.sortsKeys = given["sort_keys"]?.isTrue ?? false
        switch given["indent"] {
        case .int(let width)?:
            guard width <= 64 else { throw CallFailure("tojson indents by at most 64 spaces") }
            writer.indent = ChatText(String(repeating: " ", count: max(0, width)))
        case .text(let indent)?: writer.indent = indent
        default: break
        }
        if writer.indent != nil { writer.itemSeparator = "," }
        if case .tuple(let separators)? = given["separators"], separators.count == 2,
            case (.text(let item), .text(let key)) = (separators.values[0], separators.values[1])
        {
            (writer.itemSeparator, writer.keySeparator) = (item, key)
        }
        try writer.write(value)
        return writer.text
    }

    private static func number(
        _ name: String,
        _ value: TemplateValue,
        _ arguments: CallValues
    ) throws(CallFailure) -> TemplateValue {
        switch name {
        case "int", "float":
            if case .undefined(let missing) = value { throw CallFailure("\(missing) is undefined") }
            return name == "int" ? try integer(value, arguments) : try float(value, arguments)
        case "abs":
            if let integer = value.integer, integer != .min { return .int(abs(integer)) }
            guard case .float(let number) = value else { throw CallFailure("bad operand type for abs()") }
            return .float(number.magnitude)
        default:
            let given = try arguments.bound(to: "precision", "method", of: name)
            guard let number = value.number else { throw CallFailure("round needs a number") }
            let method = try given["method"].map { value throws(CallFailure) in try word(value) } ?? "common"
            let precision = given["precision"]?.integer ?? 0
            if method == "common", value.integer != nil, precision >= 0 {
                return value.integer.map { .int($0) } ?? value
            }
            return try round(number, precision, method)
        }
    }

    private static func word(_ value: TemplateValue) throws(CallFailure) -> String {
        guard case .text(let text) = value else { throw CallFailure("expected a string") }
        return text.string
    }

    /// As Python's `int(value, base)`, or else of the number that the text is.
    private static func integer(_ value: TemplateValue, _ arguments: CallValues) throws(CallFailure) -> TemplateValue {
        let given = try arguments.bound(to: "default", "base", of: "int")
        if let integer = value.integer { return .int(integer) }
        var number: Double? = value.number
        if case .text(let text) = value {
            let digits = text.stripped().string.replacing("_", with: "")
            if let integer = Int(digits, radix: min(max(given["base"]?.integer ?? 10, 2), 36)) { return .int(integer) }
            number = Double(digits)
        }
        guard let number, number.isFinite else { return given["default"] ?? .int(0) }
        guard let integer = Int(exactly: number.rounded(.towardZero)) else {
            throw CallFailure("a number is too large")
        }
        return .int(integer)
    }

    private static func float(_ value: TemplateValue, _ arguments: CallValues) throws(CallFailure) -> TemplateValue {
        let given = try arguments.bound(to: "default", of: "float")
        var number = value.number
        if case .text(let text) = value { number = Double(text.stripped().string.replacing("_", with: "")) }
        return number.map { .float($0) } ?? given["default"] ?? .float(0)
    }

    private static func round(_ number: Double, _ precision: Int, _ method: String) throws(CallFailure) -> TemplateValue
    {
        guard (0...15).contains(precision), ["common", "floor", "ceil"].contains(method) else {
            throw CallFailure("round takes a precision of 0 to 15 and the methods common, floor and ceil")
        }
        var scale = 1.0
        for _ in 0..<precision { scale *= 10 }
        switch method {
        case "floor": return .float((number * scale).rounded(.down) / scale)
        case "ceil": return .float((number * scale).rounded(.up) / scale)
        default:
            guard precision > 0 else { return .float(number.rounded(.toNearestOrEven)) }
            return .float(Double(TemplateFormat.fixed(number, digits: precision)) ?? number)
        }
    }
}
