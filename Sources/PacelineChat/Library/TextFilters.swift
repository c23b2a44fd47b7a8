/// Filters that take the value as text.
enum TextFilters {
    static func apply(
        _ name: String,
        to value: TemplateValue,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> TemplateValue {
        if name == "indent", case .undefined(let missing) = value { throw CallFailure("\(missing) is undefined") }
        let text = try renderer.chatText(value)
        switch name {
        // Nothing is escaped on output, so that text which need not be is like any other.
        case "string", "safe": return .text(text)
        case "upper": return .text(text.uppercased)
        case "lower": return .text(text.lowercased)
        case "capitalize": return .text(text.capitalized)
        case "title": return .text(title(text))
        case "trim":
            guard case .text(let set)? = arguments.positional.first else { return .text(text.stripped()) }
            return .text(text.stripped(set))
        case "replace": return .text(try replaced(text, arguments, &renderer))
        case "indent": return .text(try indented(text, arguments))
        case "escape", "e": return .text(escaped(text))
        case "format": return .text(try format(text, arguments, &renderer))
        case "wordcount": return .int(wordCount(text))
        default:
            var call = arguments
            if call.positional.isEmpty { call.positional = [.int(80)] }
            return try TemplateMethods.call("center", of: .text(text), call, &renderer)
        }
    }

    /// Capitals after white space, hyphens and opening brackets, and only there.
    private static func title(_ text: ChatText) -> ChatText {
        let boundaries: Set<UInt32> = [0x2d, 0x28, 0x7b, 0x5b, 0x3c]
        var result = ChatText.empty
        var start = 0
        for place in 0...text.count {
            let isBoundary =
                place == text.count
                || boundaries.contains(ChatText.value(text.units[place]))
                || isPythonSpace(ChatText.value(text.units[place]))
            guard isBoundary else { continue }
            if start < place {
                result += text.sliced(start..<start + 1).uppercased + text.sliced(start + 1..<place).lowercased
            }
            if place < text.count { result.units.append(text.units[place]) }
            start = place + 1
        }
        return result
    }

    private static func replaced(
        _ text: ChatText,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> ChatText {
        let given = try arguments.bound(to: "old", "new", "count", of: "replace")
        guard let old = given["old"], let new = given["new"] else {
            throw CallFailure("replace needs what to replace, and with what")
        }
        let limit = given["count"]?.integer.flatMap { $0 < 0 ? nil : $0 }
        let (oldText, newText) = (try renderer.chatText(old), try renderer.chatText(new))
        // The result may be longer than the text by a factor that the template chooses.
        try renderer.chargeCall(newText.count * (text.count / max(1, oldText.count) + 1))
        return text.replacing(oldText, with: newText, limit: limit)
    }

    private static func indented(_ text: ChatText, _ arguments: CallValues) throws(CallFailure) -> ChatText {
        let given = try arguments.bound(to: "width", "first", "blank", of: "indent")
        var indent: ChatText = "    "
        switch given["width"] {
        case .int(let width)?:
            guard width <= 1024 else { throw CallFailure("indent takes a width of at most 1024") }
            indent = ChatText(String(repeating: " ", count: max(0, width)))
        case .text(let width)?: indent = width
        default: break
        }
        let (first, blank) = (given["first"]?.isTrue ?? false, given["blank"]?.isTrue ?? false)
        let lines = (text + "\n").lines(keepingEnds: false)
        let rest = lines.dropFirst().map { $0.isEmpty && !blank ? $0 : indent + $0 }
        let whole = ChatText("\n").joining([lines.first ?? .empty] + rest)
        return first ? indent + whole : whole
    }

    private static func escaped(_ text: ChatText) -> ChatText {
        ChatText(
            units: text.units.flatMap { unit -> [ChatText.Unit] in
                let mark = unit & ChatText.mark
                let entity: String? =
                    switch ChatText.value(unit) {
                    case 0x26: "&amp;"
                    case 0x3c: "&lt;"
                    case 0x3e: "&gt;"
                    case 0x22: "&#34;"
                    case 0x27: "&#39;"
                    default: nil
                    }
                return entity?.unicodeScalars.map { $0.value | mark } ?? [unit]
            }
        )
    }

    private static func format(
        _ text: ChatText,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> ChatText {
        guard arguments.named.names.isEmpty || arguments.positional.isEmpty else {
            throw CallFailure("can't handle positional and keyword arguments at the same time")
        }
        let values: TemplateValue =
            arguments.named.names.isEmpty ? .tuple(arguments.positional) : .mapping(arguments.named.mapping)
        return try TemplateFormat.percent(text, values, &renderer)
    }

    private static func wordCount(_ text: ChatText) -> Int {
        var count = 0
        var isInWord = false
        for unit in text.units {
            let properties = ChatText.scalar(unit).properties
            let isWord = properties.isAlphabetic || properties.numericType != nil || ChatText.value(unit) == 0x5f
            if isWord, !isInWord { count += 1 }
            isInWord = isWord
        }
        return count
    }
}
