/// What may follow `is`.
enum TemplateTests {
    static let names: Set<String> = [
        "defined", "undefined", "none", "true", "false", "boolean", "string", "number", "integer", "float", "mapping",
        "sequence", "iterable", "callable", "odd", "even", "divisibleby", "in", "equalto", "eq", "==", "ne", "lt",
        "lessthan", "le", "gt", "greaterthan", "ge", "lower", "upper", "sameas",
    ]

    static func run(
        _ name: String,
        _ value: TemplateValue,
        _ arguments: [TemplateValue],
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> Bool {
        guard names.contains(name) else { throw CallFailure("there is no test '\(name)'") }
        if let answer = kind(name, value) {
            guard arguments.isEmpty else { throw CallFailure("the test '\(name)' takes no argument") }
            return answer
        }
        switch name {
        case "odd", "even", "divisibleby":
            return try isRemainder(name == "odd" ? 1 : 0, value, by: name == "divisibleby" ? arguments.first : .int(2))
        case "lower", "upper":
            let text = try renderer.chatText(value)
            return isAll(text, name == "upper" ? \.isUppercase : \.isLowercase)
        default: break
        }
        guard let other = arguments.first else { throw CallFailure("the test '\(name)' needs an argument") }
        switch name {
        case "in": return try renderer.contains(other, value)
        case "equalto", "eq", "==": return value == other
        case "sameas": return value.depth == 0 && value.typeName == other.typeName && value == other
        case "ne": return value != other
        case "lt", "lessthan": return try renderer.precedes(value, other)
        case "le": return try !renderer.precedes(other, value)
        case "gt", "greaterthan": return try renderer.precedes(other, value)
        default: return try !renderer.precedes(value, other)
        }
    }

    /// Whether the value leaves this remainder.
    private static func isRemainder(
        _ remainder: Double,
        _ value: TemplateValue,
        by divisor: TemplateValue?
    ) throws(CallFailure) -> Bool {
        guard let number = value.number, let divisor = divisor?.number, divisor != 0 else {
            throw CallFailure("a remainder needs two numbers, the second of them not zero")
        }
        if let one = value.integer, let other = Int(exactly: divisor) { return abs(one % other) == Int(remainder) }
        let rest = number.truncatingRemainder(dividingBy: divisor)
        return (rest < 0 ? rest + divisor.magnitude : rest) == remainder
    }

    /// The tests that ask what a value is.
    private static func kind(_ name: String, _ value: TemplateValue) -> Bool? {
        switch (name, value) {
        case ("defined", _): !value.isUndefined
        case ("undefined", _): value.isUndefined
        case ("none", .none), ("true", .bool(true)), ("false", .bool(false)), ("boolean", .bool): true
        case ("none", _), ("true", _), ("false", _), ("boolean", _): false
        case ("number", .numeral), ("integer", .numeral): true
        case ("string", .text), ("mapping", .mapping), ("integer", .int), ("float", .float): true
        case ("string", _), ("mapping", _), ("integer", _), ("float", _): false
        case ("number", _): value.number != nil
        // Python can try to call an undefined value, and then fails.
        case ("callable", .callable), ("callable", .undefined): true
        case ("callable", _): false
        case ("sequence", _): isSequence(value)
        case ("iterable", _): isIterable(value)
        default: nil
        }
    }

    /// Whether Python could take its length and index it.
    private static func isSequence(_ value: TemplateValue) -> Bool {
        switch value {
        case .undefined, .text, .list, .tuple, .mapping, .range: true
        default: false
        }
    }

    private static func isIterable(_ value: TemplateValue) -> Bool {
        switch value {
        case .undefined, .text, .list, .tuple, .mapping, .range, .view, .iterator, .loop: true
        default: false
        }
    }

    /// Whether all cased letters are of one case, and there is at least one.
    static func isAll(_ text: ChatText, _ property: KeyPath<Unicode.Scalar.Properties, Bool>) -> Bool {
        var isAny = false
        for unit in text.units {
            let properties = ChatText.scalar(unit).properties
            if properties[keyPath: property] {
                isAny = true
            } else if properties.isCased || properties.generalCategory == .titlecaseLetter {
                return false
            }
        }
        return isAny
    }
}
