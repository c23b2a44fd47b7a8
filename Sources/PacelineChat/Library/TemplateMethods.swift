/// Python's methods of strings, mappings and sequences, as far as they change nothing.
enum TemplateMethods {
    private static let ofText: Set<String> = [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "upper", "lower",
        "title", "capitalize", "swapcase", "replace", "find", "rfind", "index", "rindex", "count", "join", "isdigit",
        "isalpha", "isalnum", "isspace", "isupper", "islower", "zfill", "ljust", "rjust", "center", "removeprefix",
        "removesuffix", "partition", "rpartition", "format",
    ]
    private static let ofMapping: Set<String> = ["items", "keys", "values", "get"]
    private static let ofSequence: Set<String> = ["index", "count"]

    static func exists(_ name: String, of value: TemplateValue) -> Bool {
        switch value {
        case .text: ofText.contains(name)
        case .mapping: ofMapping.contains(name)
        case .list, .tuple: ofSequence.contains(name)
        default: false
        }
    }

    static func call(
        _ name: String,
        of receiver: TemplateValue,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> TemplateValue {
        switch receiver {
        case .text(let text): return try TextMethod(name, text, arguments, &renderer).result(&renderer)
        case .mapping(let mapping): return try call(name, of: mapping, arguments)
        case .list(let items), .tuple(let items):
            guard let wanted = arguments.positional.first else { throw CallFailure("\(name) needs an argument") }
            try renderer.chargeCall(items.count)
            if name == "count" { return .int(items.values.count { $0 == wanted }) }
            guard let place = items.values.firstIndex(of: wanted) else { throw CallFailure("the value is not in list") }
            return .int(place)
        case .loop(let loop): return call(name, of: loop, arguments)
        default: throw CallFailure("'\(receiver.typeName)' has no method '\(name)'")
        }
    }

    private static func call(
        _ name: String,
        of mapping: TemplateMapping,
        _ arguments: CallValues
    ) throws(CallFailure) -> TemplateValue {
        switch name {
        case "items":
            return .view(kind: "dict_items", TemplateItems(mapping.entries.map { .tuple([$0.key, $0.value]) }))
        case "keys": return .view(kind: "dict_keys", TemplateItems(mapping.entries.map(\.key)))
        case "values": return .view(kind: "dict_values", TemplateItems(mapping.entries.map(\.value)))
        default:
            guard let key = arguments.positional.first else { throw CallFailure("get expected at least 1 argument") }
            guard key.isHashable else { throw CallFailure("unhashable type: '\(key.typeName)'") }
            return mapping[key] ?? (arguments.positional.count > 1 ? arguments.positional[1] : .none)
        }
    }

    private static func call(_ name: String, of loop: LoopState, _ arguments: CallValues) -> TemplateValue {
        if name == "cycle" {
            let choices = arguments.positional
            return choices.isEmpty ? .undefined(name: "cycle") : choices[loop.index % choices.count]
        }
        let isChanged = loop.lastAsked != arguments.positional
        loop.lastAsked = arguments.positional
        return .bool(isChanged)
    }
}

/// One call of a string's method.
private struct TextMethod {
    private let name: String
    private let text: ChatText
    private let arguments: CallValues

    init(
        _ name: String,
        _ text: ChatText,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) {
        self.name = name
        self.text = text
        self.arguments = arguments
        try renderer.chargeCall(text.count)
    }

    func result(_ renderer: inout TemplateRenderer) throws(CallFailure) -> TemplateValue {
        switch name {
        case "strip", "lstrip", "rstrip":
            let set = try argument(0).map { value throws(CallFailure) in try optionalText(value) } ?? nil
            return .text(text.stripped(set, left: name != "rstrip", right: name != "lstrip"))
        case "split", "rsplit": return .list(try split().map { .text($0) })
        case "splitlines":
            return .list(text.lines(keepingEnds: argument(0, "keepends")?.isTrue ?? false).map { .text($0) })
        case "startswith", "endswith": return .bool(try hasAffix())
        case "join":
            var pieces: [ChatText] = []
            for item in try renderer.elements(of: try needed(0)) { pieces.append(try self.text(item)) }
            return .text(text.joining(pieces))
        case "replace":
            let limit = argument(2, "count")?.integer.flatMap { $0 < 0 ? nil : $0 }
            return .text(text.replacing(try text(needed(0)), with: try text(needed(1)), limit: limit))
        case "format": return .text(try TemplateFormat.braces(text, arguments, &renderer))
        case "partition", "rpartition": return try partitioned()
        case "removeprefix", "removesuffix": return .text(try withoutAffix())
        case "zfill", "ljust", "rjust", "center": return .text(try padded(&renderer))
        case "find", "rfind", "index", "rindex", "count": return .int(try position())
        default: return letters()
        }
    }

    private func letters() -> TemplateValue {
        let properties = text.units.map { ChatText.scalar($0).properties }
        switch name {
        case "upper": return .text(text.uppercased)
        case "lower": return .text(text.lowercased)
        case "title": return .text(text.titlecased)
        case "capitalize": return .text(text.capitalized)
        case "swapcase":
            return .text(text.swapcased)
        case "isdigit":
            return .bool(!text.isEmpty && properties.allSatisfy { [.digit, .decimal].contains($0.numericType) })
        case "isalpha": return .bool(!text.isEmpty && properties.allSatisfy(\.isLetter))
        case "isalnum":
            return .bool(!text.isEmpty && properties.allSatisfy { $0.isLetter || $0.numericType != nil })
        case "isspace": return .bool(!text.isEmpty && text.units.allSatisfy { isPythonSpace(ChatText.value($0)) })
        case "isupper": return .bool(TemplateTests.isAll(text, \.isUppercase))
        default: return .bool(TemplateTests.isAll(text, \.isLowercase))
        }
    }

    // MARK: Arguments

    private func argument(_ place: Int, _ name: String? = nil) -> TemplateValue? {
        place < arguments.positional.count ? arguments.positional[place] : name.flatMap { arguments.named[$0] }
    }

    private func needed(_ place: Int) throws(CallFailure) -> TemplateValue {
        guard let value = argument(place) else { throw CallFailure("str.\(name) needs more arguments") }
        return value
    }

    private func text(_ value: TemplateValue) throws(CallFailure) -> ChatText {
        guard case .text(let text) = value else {
            throw CallFailure("str.\(name) needs a string, not '\(value.typeName)'")
        }
        return text
    }

    private func optionalText(_ value: TemplateValue) throws(CallFailure) -> ChatText? {
        if case .none = value { return nil }
        return try text(value)
    }

    // MARK: Methods

    private func split() throws(CallFailure) -> [ChatText] {
        let count = argument(1, "maxsplit")?.integer ?? -1
        let limit = count < 0 ? Int.max : count
        let separator = try argument(0, "sep").map { value throws(CallFailure) in try optionalText(value) } ?? nil
        guard let separator else {
            return name == "split" ? text.words(limit: limit) : text.wordsFromRight(limit: limit)
        }
        guard !separator.isEmpty else { throw CallFailure("empty separator") }
        return name == "split" ? text.split(separator, limit: limit) : text.splitFromRight(separator, limit: limit)
    }

    private func hasAffix() throws(CallFailure) -> Bool {
        var affixes: [ChatText] = []
        if case .tuple(let items) = try needed(0) {
            for item in items.values { affixes.append(try text(item)) }
        } else {
            affixes = [try text(needed(0))]
        }
        let (start, end) = bounds(first: 1)
        guard start <= end else { return false }
        let part = text.sliced(start..<end)
        return affixes.contains { name == "startswith" ? part.hasPrefix($0) : part.hasSuffix($0) }
    }

    /// Optional start and end positions, as a slice takes them.
    private func bounds(first: Int) -> (start: Int, end: Int) {
        func place(_ value: TemplateValue?, _ standard: Int) -> Int {
            guard let bound = value?.integer else { return standard }
            return bound < 0 ? max(0, bound + text.count) : bound
        }
        return (place(argument(first), 0), min(place(argument(first + 1), text.count), text.count))
    }

    private func withoutAffix() throws(CallFailure) -> ChatText {
        let affix = try text(needed(0))
        if name == "removeprefix" {
            return text.hasPrefix(affix) ? text.sliced(affix.count..<text.count) : text
        }
        return !affix.isEmpty && text.hasSuffix(affix) ? text.sliced(0..<text.count - affix.count) : text
    }

    private func partitioned() throws(CallFailure) -> TemplateValue {
        let separator = try text(needed(0))
        guard !separator.isEmpty else { throw CallFailure("empty separator") }
        let found = name == "partition" ? text.first(of: separator) : text.last(of: separator)
        guard let found else {
            let parts = name == "partition" ? [text, .empty, .empty] : [.empty, .empty, text]
            return .tuple(parts.map { .text($0) })
        }
        let end = found + separator.count
        let parts = [text.sliced(0..<found), text.sliced(found..<end), text.sliced(end..<text.count)]
        return .tuple(parts.map { .text($0) })
    }

    private func padded(_ renderer: inout TemplateRenderer) throws(CallFailure) -> ChatText {
        guard let width = try needed(0).integer else { throw CallFailure("str.\(name) needs a width") }
        let missing = width - text.count
        guard missing > 0 else { return text }
        try renderer.chargeCall(missing)
        let fill = try argument(1).map { value throws(CallFailure) in try text(value) } ?? (name == "zfill" ? "0" : " ")
        guard fill.count == 1 else { throw CallFailure("the fill character must be exactly one character long") }
        func padding(_ count: Int) -> ChatText {
            ChatText(units: Array(repeating: fill.units[0], count: count))
        }
        switch name {
        case "ljust": return text + padding(missing)
        case "rjust": return padding(missing) + text
        case "zfill":
            let hasSign = text.hasPrefix("+") || text.hasPrefix("-")
            return text.sliced(0..<(hasSign ? 1 : 0)) + padding(missing) + text.sliced((hasSign ? 1 : 0)..<text.count)
        default:
            let left = missing / 2 + (missing & width & 1)
            return padding(left) + text + padding(missing - left)
        }
    }

    private func position() throws(CallFailure) -> Int {
        let part = try text(needed(0))
        let (start, end) = bounds(first: 1)
        let range = start <= end ? text.sliced(start..<end) : nil
        if name == "count" {
            guard let range else { return 0 }
            return part.isEmpty ? range.count + 1 : range.split(part, limit: .max).count - 1
        }
        let found = range.flatMap { name.hasPrefix("r") ? $0.last(of: part) : $0.first(of: part) }
        if let found { return start + found }
        guard name.hasSuffix("find") else { throw CallFailure("substring not found") }
        return -1
    }
}

extension Unicode.Scalar.Properties {
    /// Whether Python's `isalpha` takes the character for a letter.
    fileprivate var isLetter: Bool {
        switch generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}
