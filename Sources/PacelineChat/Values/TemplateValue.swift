/// What an expression of a template evaluates to: the values of Python that Jinja templates use.
package enum TemplateValue {
    /// A name or key that does not exist; prints as nothing, and fails when it is used for more than that.
    case undefined(name: String)
    case none
    case bool(Bool)
    case int(Int)
    /// An integer that does not fit 64 bits, as it was written: it can be printed, and no more.
    case numeral(String)
    case float(Double)
    case text(ChatText)
    case list(TemplateItems)
    case tuple(TemplateItems)
    case mapping(TemplateMapping)
    /// `range(…)`: a sequence that is not written as a list.
    case range(start: Int, end: Int, step: Int)
    /// `keys()`, `values()` and `items()` of a mapping: has a length and members, but no positions.
    case view(kind: String, TemplateItems)
    /// What `map`, `select` and others return: it can be iterated over and has neither length nor positions.
    case iterator(TemplateItems)
    case namespace(TemplateNamespace)
    case loop(LoopState)
    case callable(TemplateCallable)
}

extension TemplateValue {
    /// Python's name for the type, as its error messages spell it.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .int, .numeral: "int"
        case .float: "float"
        case .text: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .mapping: "dict"
        case .range: "range"
        case .view(let kind, _): kind
        case .iterator: "generator"
        case .namespace: "Namespace"
        case .loop: "LoopContext"
        case .callable: "function"
        }
    }

    /// Python's truth of the value.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .float(let value): value != 0
        case .text(let text): !text.isEmpty
        case .list(let items), .tuple(let items), .view(_, let items): !items.isEmpty
        case .mapping(let mapping): !mapping.isEmpty
        case .range(let start, let end, let step): Self.count(start, end, step) > 0
        case .iterator, .namespace, .loop, .callable, .numeral: true
        }
    }

    /// A number's value; booleans count as 0 and 1, as in Python.
    var integer: Int? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    var number: Double? {
        if case .float(let value) = self { return value }
        return integer.map(Double.init)
    }

    var isUndefined: Bool {
        if case .undefined = self { return true }
        return false
    }

    /// How many numbers `range(start, end, step)` has.
    static func count(_ start: Int, _ end: Int, _ step: Int) -> Int {
        let (distance, isLong) =
            step > 0 ? end.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(end)
        guard distance > 0, !isLong else { return isLong && (step > 0) == (end > start) ? .max : 0 }
        return 1 + (distance - 1) / Int(clamping: step.magnitude)
    }

    /// Text of the template itself.
    static func string(_ text: String) -> TemplateValue { .text(ChatText(text)) }
}

/// Equal values in Python's sense: numbers by value whatever their type, containers item by item.
extension TemplateValue: Equatable {
    package static func == (left: TemplateValue, right: TemplateValue) -> Bool {
        if let one = left.integer, let other = right.integer { return one == other }
        if let one = left.number, let other = right.number { return one == other }
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.text(let one), .text(let other)): return one == other
        case (.numeral(let one), .numeral(let other)): return one == other
        case (.list(let one), .list(let other)), (.tuple(let one), .tuple(let other)): return one == other
        case (.mapping(let one), .mapping(let other)): return one == other
        case (.range(let start, let end, let step), .range(let otherStart, let otherEnd, let otherStep)):
            let (count, otherCount) = (count(start, end, step), Self.count(otherStart, otherEnd, otherStep))
            guard count == otherCount, count > 0 else { return count == otherCount }
            return start == otherStart && (count == 1 || step == otherStep)
        case (.view("dict_values", _), _), (_, .view("dict_values", _)): return false
        case (.view(_, let one), .view(_, let other)):
            return one.count == other.count && one.values.allSatisfy { other.values.contains($0) }
        case (.namespace(let one), .namespace(let other)): return one === other
        case (.loop(let one), .loop(let other)): return one === other
        default: return false
        }
    }
}

/// Members of a list, a tuple or another container.
package struct TemplateItems: Equatable {
    package private(set) var values: [TemplateValue]
    /// How many containers are nested in each other, this one included. Limited, because values of any depth could not
    /// be compared, printed or freed without a stack of that depth.
    let depth: Int

    package init(_ values: [TemplateValue]) {
        self.values = values
        depth = 1 + (values.lazy.map(\.depth).max() ?? 0)
    }

    var count: Int { values.count }
    var isEmpty: Bool { values.isEmpty }

    package static func == (left: TemplateItems, right: TemplateItems) -> Bool {
        left.values == right.values
    }
}

extension TemplateValue {
    /// How many containers are nested in each other.
    var depth: Int {
        switch self {
        case .list(let items), .tuple(let items), .view(_, let items), .iterator(let items): items.depth
        case .mapping(let mapping): mapping.depth
        default: 0
        }
    }

    package static func list(_ values: [TemplateValue]) -> TemplateValue { .list(TemplateItems(values)) }
    package static func tuple(_ values: [TemplateValue]) -> TemplateValue { .tuple(TemplateItems(values)) }
    static func iterator(_ values: [TemplateValue]) -> TemplateValue { .iterator(TemplateItems(values)) }
}
