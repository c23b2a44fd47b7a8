/// Filters that take the value as a sequence.
enum SequenceFilters {
    static func apply(
        _ name: String,
        to value: TemplateValue,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> TemplateValue {
        switch name {
        case "length", "count": return .int(try length(value))
        case "items":
            if value.isUndefined { return .iterator([]) }
            guard case .mapping(let mapping) = value else {
                throw CallFailure("Can only get item pairs from a mapping.")
            }
            return .iterator(mapping.entries.map { .tuple([$0.key, $0.value]) })
        case "dictsort": return try dictionarySorted(value, arguments)
        case "reverse":
            if case .text(let text) = value { return .text(ChatText(units: text.units.reversed())) }
        case "last":
            if case .iterator = value { throw CallFailure("'generator' object is not reversible") }
        default: break
        }
        let items = try renderer.elements(of: value)
        try renderer.chargeCall(items.count)
        switch name {
        case "list": return .list(items)
        case "first": return items.first ?? .undefined(name: "No first item, sequence was empty, so it")
        case "last": return items.last ?? .undefined(name: "No last item, sequence was empty, so it")
        case "reverse": return .iterator(items.reversed())
        case "join": return .text(try joined(items, arguments, &renderer))
        case "map": return .iterator(try mapped(items, arguments, &renderer))
        case "select", "reject", "selectattr", "rejectattr":
            return .iterator(try chosen(items, name, arguments, &renderer))
        case "batch": return try batched(items, arguments)
        default: return try ordered(items, name, arguments, &renderer)
        }
    }

    private static func length(_ value: TemplateValue) throws(CallFailure) -> Int {
        switch value {
        case .undefined: 0
        case .text, .list, .tuple, .mapping, .view: value.size
        case .range(let start, let end, let step): TemplateValue.count(start, end, step)
        case .loop(let loop): loop.items.count
        default: throw CallFailure("object of type '\(value.typeName)' has no len()")
        }
    }

    private static func joined(
        _ items: [TemplateValue],
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> ChatText {
        let given = try arguments.bound(to: "d", "attribute", of: "join")
        let separator = try given["d"].map { value throws(CallFailure) in try renderer.chatText(value) } ?? .empty
        var pieces: [ChatText] = []
        for item in items {
            let part = try attribute(given["attribute"], of: item, &renderer)
            pieces.append(try renderer.chatText(part))
        }
        try renderer.chargeCall(separator.count * pieces.count)
        return separator.joining(pieces)
    }

    /// The part of an item that an argument `attribute` names, such as `function.name`; the item if there is none.
    private static func attribute(
        _ path: TemplateValue?,
        of item: TemplateValue,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> TemplateValue {
        guard let path else { return item }
        if case .none = path { return item }
        if let index = path.integer { return try renderer.lookUp(.int(index), in: item) }
        guard case .text(let names) = path else { throw CallFailure("an attribute is named by a string") }
        var value = item
        for part in names.split(".", limit: .max) {
            let key: TemplateValue = Int(part.string).map { .int($0) } ?? .text(part)
            value = try renderer.lookUp(key, in: value)
        }
        return value
    }

    private static func mapped(
        _ items: [TemplateValue],
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> [TemplateValue] {
        var rest = arguments
        if let path = rest.named.remove("attribute") {
            let standard = rest.named.remove("default")
            var values: [TemplateValue] = []
            for item in items {
                let value = try attribute(path, of: item, &renderer)
                values.append(value.isUndefined ? standard ?? value : value)
            }
            return values
        }
        guard case .text(let name)? = rest.positional.first, TemplateFilters.names.contains(name.string) else {
            throw CallFailure("map requires a filter argument")
        }
        rest.positional.removeFirst()
        var values: [TemplateValue] = []
        for item in items {
            values.append(try TemplateFilters.apply(name.string, to: item, rest, &renderer))
            try renderer.chargeCall(values[values.count - 1].size)
        }
        return values
    }

    private static func chosen(
        _ items: [TemplateValue],
        _ name: String,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> [TemplateValue] {
        var rest = arguments.positional
        let path: TemplateValue? = name.hasSuffix("attr") ? (rest.isEmpty ? nil : rest.removeFirst()) : nil
        if name.hasSuffix("attr"), path == nil { throw CallFailure("Missing parameter for attribute name") }
        var test: String?
        if let first = rest.first {
            guard case .text(let text) = first, TemplateTests.names.contains(text.string) else {
                throw CallFailure("No test named '\(try renderer.string(first))'")
            }
            test = text.string
            rest.removeFirst()
        }
        var kept: [TemplateValue] = []
        for item in items {
            let value = try attribute(path, of: item, &renderer)
            let holds =
                try test.map { test throws(CallFailure) in
                    try TemplateTests.run(test, value, rest, &renderer)
                } ?? value.isTrue
            if holds != name.hasPrefix("reject") { kept.append(item) }
        }
        return kept
    }

    private static func batched(_ items: [TemplateValue], _ arguments: CallValues) throws(CallFailure) -> TemplateValue
    {
        let given = try arguments.bound(to: "linecount", "fill_with", of: "batch")
        guard let size = given["linecount"]?.integer, size > 0 else { throw CallFailure("batch needs a size") }
        var batches: [TemplateValue] = []
        for start in stride(from: 0, to: items.count, by: size) {
            var batch = Array(items[start..<min(start + size, items.count)])
            if let fill = given["fill_with"], batch.count < size, size - batch.count <= 10_000 {
                batch += Array(repeating: fill, count: size - batch.count)
            }
            batches.append(.list(batch))
        }
        return .iterator(batches)
    }

    // MARK: Order

    /// Sorts, stably; a failed comparison is the filter's failure.
    private static func sorted<Item>(
        _ items: [Item],
        by key: (Item) -> TemplateValue,
        reversed: Bool = false,
        _ renderer: TemplateRenderer
    ) throws(CallFailure) -> [Item] {
        var failure: CallFailure?
        let result = items.enumerated().sorted { one, other in
            guard failure == nil else { return false }
            do throws(CallFailure) {
                let (left, right) = (key(one.element), key(other.element))
                if try renderer.precedes(reversed ? right : left, reversed ? left : right) { return true }
                if try renderer.precedes(reversed ? left : right, reversed ? right : left) { return false }
                return one.offset < other.offset
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        return result.map(\.element)
    }

    /// Ignores case in strings, as these filters do unless told otherwise.
    private static func folded(_ value: TemplateValue, _ isCaseSensitive: TemplateValue?) -> TemplateValue {
        guard case .text(let text) = value, !(isCaseSensitive?.isTrue ?? false) else { return value }
        return .text(text.lowercased)
    }

    private static func ordered(
        _ items: [TemplateValue],
        _ name: String,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> TemplateValue {
        if name == "sum" { return try sum(items, arguments, &renderer) }
        let parameters = name == "sort" ? ["reverse", "case_sensitive", "attribute"] : ["case_sensitive", "attribute"]
        let given =
            try name == "sort"
            ? arguments.bound(to: parameters[0], parameters[1], parameters[2], of: name)
            : arguments.bound(to: parameters[0], parameters[1], of: name)
        var keyed: [(key: TemplateValue, item: TemplateValue)] = []
        for item in items {
            let part = try attribute(given["attribute"], of: item, &renderer)
            keyed.append((folded(part, given["case_sensitive"]), item))
        }
        switch name {
        case "sort":
            let isReversed = given["reverse"]?.isTrue ?? false
            return .list(try sorted(keyed, by: { $0.key }, reversed: isReversed, renderer).map(\.item))
        case "unique":
            var seen = TemplateMapping()
            var kept: [TemplateValue] = []
            for (key, item) in keyed where seen[key] == nil {
                guard seen.set(key, .none) else { throw CallFailure("unhashable type: '\(key.typeName)'") }
                kept.append(item)
            }
            return .iterator(kept)
        default:
            let order = try sorted(keyed, by: { $0.key }, reversed: name == "max", renderer)
            return order.first?.item ?? .undefined(name: "No aggregated item, sequence was empty, so it")
        }
    }

    private static func sum(
        _ items: [TemplateValue],
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> TemplateValue {
        let given = try arguments.bound(to: "attribute", "start", of: "sum")
        var total = given["start"] ?? .int(0)
        for item in items {
            let part = try attribute(given["attribute"], of: item, &renderer)
            do throws(TemplateError) {
                total = try renderer.arithmetic(.add, total, part)
            } catch { throw CallFailure(error) }
        }
        return total
    }

    private static func dictionarySorted(
        _ value: TemplateValue,
        _ arguments: CallValues
    ) throws(CallFailure) -> TemplateValue {
        guard case .mapping(let mapping) = value else { throw CallFailure("dictsort needs a mapping") }
        let given = try arguments.bound(to: "case_sensitive", "by", "reverse", of: "dictsort")
        let isByValue = given["by"] == .string("value")
        let renderer = TemplateRenderer(context: TemplateMapping(), limits: TemplateLimits(), time: 0)
        let entries = try sorted(
            mapping.entries,
            by: { folded(isByValue ? $0.value : $0.key, given["case_sensitive"]) },
            reversed: given["reverse"]?.isTrue ?? false,
            renderer
        )
        return .list(entries.map { .tuple([$0.key, $0.value]) })
    }
}

extension TemplateRenderer {
    /// `value[key]`, or else `value.key`.
    mutating func lookUp(_ key: TemplateValue, in value: TemplateValue) throws(CallFailure) -> TemplateValue {
        do throws(TemplateError) { return try item(key, of: value) } catch { throw CallFailure(error) }
    }

    mutating func lookUp(_ name: String, in value: TemplateValue) throws(CallFailure) -> TemplateValue {
        do throws(TemplateError) { return try attribute(name, of: value) } catch { throw CallFailure(error) }
    }
}
