/// `format % values` and `format.format(…)`, as far as chat templates use them.
enum TemplateFormat {
    /// Formats with `%s`, `%r`, `%d`, `%i`, `%f`, `%%` and `%(name)s`; widths and flags are refused.
    static func percent(
        _ format: ChatText,
        _ values: TemplateValue,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> ChatText {
        var rest = [values]
        if case .tuple(let items) = values { rest = items.values }
        var (result, place, isNamed) = (ChatText.empty, 0, false)
        while let found = format.first(of: "%", from: place) {
            result += format.sliced(place..<found)
            place = found + 1
            let name = fieldName(format, &place)
            guard place < format.count else { throw CallFailure("incomplete format") }
            let letter = Character(ChatText.scalar(format.units[place]))
            place += 1
            if letter == "%" {
                result += "%"
            } else if let name {
                isNamed = true
                result += try formatted(try entry(name, of: values), letter, &renderer)
            } else {
                guard !rest.isEmpty else { throw CallFailure("not enough arguments for format string") }
                result += try formatted(rest.removeFirst(), letter, &renderer)
            }
        }
        if case .mapping = values { isNamed = true }
        guard rest.isEmpty || isNamed else { throw CallFailure("not all arguments converted during string formatting") }
        return result + format.sliced(place..<format.count)
    }

    /// The name in `%(name)s`; nil if there is none.
    private static func fieldName(_ format: ChatText, _ place: inout Int) -> ChatText? {
        guard format.matches("(", at: place), let end = format.first(of: ")", from: place) else { return nil }
        defer { place = end + 1 }
        return format.sliced(place + 1..<end)
    }

    private static func entry(_ name: ChatText, of values: TemplateValue) throws(CallFailure) -> TemplateValue {
        guard case .mapping(let mapping) = values, let entry = mapping[.text(name)] else {
            throw CallFailure("the format's name '\(name.string)' is not among the values")
        }
        return entry
    }

    private static func formatted(
        _ value: TemplateValue,
        _ letter: Character,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> ChatText {
        switch letter {
        case "s": return try renderer.chatText(value)
        case "r":
            var writer = PythonWriter(budget: renderer.limits.output)
            writer.represent(value)
            return writer.text
        case "d", "i":
            if let integer = value.integer { return ChatText(String(integer)) }
            guard let number = value.number, let integer = Int(exactly: number.rounded(.towardZero)) else {
                throw CallFailure("%\(letter) format: a real number is required, not \(value.typeName)")
            }
            return ChatText(String(integer))
        case "f":
            guard let number = value.number else {
                throw CallFailure("%f format: a real number is required, not \(value.typeName)")
            }
            return ChatText(fixed(number, digits: 6))
        default: throw CallFailure("the format '%\(letter)' is not supported")
        }
    }

    /// A number with a fixed count of decimals.
    static func fixed(_ number: Double, digits: Int) -> String {
        guard number.isFinite, number.magnitude < 1e15 else { return PythonWriter.spelling(of: number) }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (number.magnitude * scale).rounded(.toNearestOrEven)
        guard scaled < 9e18 else { return PythonWriter.spelling(of: number) }
        let (whole, fraction) = UInt64(scaled).quotientAndRemainder(dividingBy: UInt64(scale))
        let decimals = String(fraction)
        let sign = number.sign == .minus ? "-" : ""
        return sign + "\(whole)"
            + (digits > 0 ? "." + String(repeating: "0", count: digits - decimals.count) + decimals : "")
    }

    /// Formats with `{}`, `{0}` and `{name}`; conversions and format specifications are refused.
    static func braces(
        _ format: ChatText,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> ChatText {
        var result = ChatText.empty
        var (place, automatic) = (0, 0)
        while place < format.count {
            let unit = format.units[place]
            let character = ChatText.value(unit)
            guard character == 0x7b || character == 0x7d else {
                result.units.append(unit)
                place += 1
                continue
            }
            if place + 1 < format.count, ChatText.value(format.units[place + 1]) == character {
                result.units.append(unit)
                place += 2
                continue
            }
            guard character == 0x7b, let end = format.first(of: "}", from: place) else {
                throw CallFailure("Single '}' or unmatched '{' encountered in format string")
            }
            let field = format.sliced(place + 1..<end).string
            place = end + 1
            result += try renderer.chatText(try value(of: field, arguments, &automatic))
        }
        return result
    }

    private static func value(
        of field: String,
        _ arguments: CallValues,
        _ automatic: inout Int
    ) throws(CallFailure) -> TemplateValue {
        if field.isEmpty { automatic += 1 }
        if let index = field.isEmpty ? automatic - 1 : Int(field) {
            guard arguments.positional.indices.contains(index) else {
                throw CallFailure("Replacement index \(index) out of range for positional args tuple")
            }
            return arguments.positional[index]
        }
        guard let value = arguments.named[field] else {
            throw CallFailure("the format field '{\(field)}' is not supported or has no value")
        }
        return value
    }
}
