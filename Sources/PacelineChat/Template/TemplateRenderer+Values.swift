import Foundation

/// Operations on values, with Python's meaning.
extension TemplateRenderer {
    /// The value as `{{ … }}` prints it.
    mutating func text(of value: TemplateValue) throws(TemplateError) -> ChatText {
        if case .text(let text) = value { return text }
        var writer = PythonWriter(budget: limits.output)
        writer.print(value)
        try charge(writer.text.count)
        guard !writer.isExhausted else {
            throw .limit("it prints a value of more than \(limits.output) characters, or one that contains itself")
        }
        return writer.text
    }

    /// What a loop over the value visits.
    mutating func members(of value: TemplateValue) throws(TemplateError) -> [TemplateValue] {
        switch value {
        case .undefined: return []
        case .text(let text):
            try charge(text.count)
            return text.units.map { .text(ChatText(units: [$0])) }
        case .list(let items), .tuple(let items), .view(_, let items), .iterator(let items): return items.values
        case .mapping(let mapping): return mapping.entries.map(\.key)
        case .range(let start, let end, let step):
            let count = TemplateValue.count(start, end, step)
            try charge(count)
            return (0..<count).map { .int(start + $0 * step) }
        case .loop, .none, .bool, .int, .numeral, .float, .namespace, .callable:
            throw failure("'\(value.typeName)' object is not iterable")
        }
    }

    // MARK: Looking up

    func attribute(_ name: String, of value: TemplateValue) throws(TemplateError) -> TemplateValue {
        if let attribute = member(name, of: value) { return attribute }
        if case .mapping(let mapping) = value, let entry = mapping[name] { return entry }
        if case .undefined(let undefined) = value { throw failure("\(undefined) is undefined") }
        return .undefined(name: "'\(value.typeName) object' has no attribute '\(name)', so it")
    }

    /// What Python's `getattr` finds: methods, and the attributes of `loop` and of namespaces.
    private func member(_ name: String, of value: TemplateValue) -> TemplateValue? {
        switch value {
        case .namespace(let namespace): return namespace.values[name]
        case .loop(let loop): return loop.attribute(name)
        default:
            guard TemplateMethods.exists(name, of: value) else { return nil }
            return .callable(.method(name, of: value))
        }
    }

    mutating func item(_ key: TemplateValue, of value: TemplateValue) throws(TemplateError) -> TemplateValue {
        if case .undefined(let name) = value { throw failure("\(name) is undefined") }
        if case .mapping(let mapping) = value, let entry = mapping[key] { return entry }
        if let index = key.integer, let count = positions(of: value) {
            let place = index < 0 ? index + count : index
            guard place >= 0, place < count else {
                return .undefined(name: "'\(value.typeName) object' has no element \(index), so it")
            }
            return element(place, of: value)
        }
        if case .text(let name) = key {
            if let member = member(name.string, of: value) { return member }
            return .undefined(name: "'\(value.typeName) object' has no attribute '\(name.string)', so it")
        }
        return .undefined(name: "'\(value.typeName) object' has no such element, so it")
    }

    /// How many elements a value has that can be reached by position.
    private func positions(of value: TemplateValue) -> Int? {
        switch value {
        case .text(let text): text.count
        case .list(let items), .tuple(let items): items.count
        case .range(let start, let end, let step): TemplateValue.count(start, end, step)
        default: nil
        }
    }

    private func element(_ place: Int, of value: TemplateValue) -> TemplateValue {
        switch value {
        case .text(let text): .text(ChatText(units: [text.units[place]]))
        case .list(let items), .tuple(let items): items.values[place]
        case .range(let start, _, let step): .int(start + place * step)
        default: .none
        }
    }

    mutating func slice(
        _ value: TemplateValue,
        _ bounds: (start: TemplateValue?, end: TemplateValue?, step: TemplateValue?)
    ) throws(TemplateError) -> TemplateValue {
        if case .undefined(let name) = value { throw failure("\(name) is undefined") }
        guard let count = positions(of: value) else { throw failure("'\(value.typeName)' object has no slices") }
        let step = try bound(bounds.step) ?? 1
        guard step != 0 else { throw failure("slice step cannot be zero") }
        let (first, last) = step > 0 ? (0, count) : (-1, count - 1)
        func clamp(_ bound: Int?, standard: Int) -> Int {
            guard let bound else { return standard }
            let (sum, isOver) = bound.addingReportingOverflow(count)
            return min(max(bound < 0 ? (isOver ? first : sum) : bound, first), last)
        }
        let start = clamp(try bound(bounds.start), standard: step > 0 ? 0 : count - 1)
        let end = clamp(try bound(bounds.end), standard: step > 0 ? count : -1)
        if case .range(let first, _, let stride) = value {
            return .range(start: first + start * stride, end: first + end * stride, step: stride * step)
        }
        let places = (0..<TemplateValue.count(start, end, step)).map { start + $0 * step }
        try charge(places.count)
        switch value {
        case .text(let text): return .text(ChatText(units: places.map { text.units[$0] }))
        case .tuple: return .tuple(places.map { element($0, of: value) })
        default: return .list(places.map { element($0, of: value) })
        }
    }

    private func bound(_ value: TemplateValue?) throws(TemplateError) -> Int? {
        guard let value else { return nil }
        if case .none = value { return nil }
        guard let integer = value.integer else {
            throw failure("slice indices must be integers or None")
        }
        return integer
    }

    // MARK: Comparing

    /// Whether `left < right`.
    func precedes(_ left: TemplateValue, _ right: TemplateValue) throws(CallFailure) -> Bool {
        if let one = left.integer, let other = right.integer { return one < other }
        if let one = left.number, let other = right.number { return one < other }
        switch (left, right) {
        case (.text(let one), .text(let other)): return one < other
        case (.list(let one), .list(let other)), (.tuple(let one), .tuple(let other)):
            for (first, second) in zip(one.values, other.values) where first != second {
                return try precedes(first, second)
            }
            return one.count < other.count
        case (.undefined(let name), _), (_, .undefined(let name)): throw CallFailure("\(name) is undefined")
        default:
            throw CallFailure("'<' not supported between '\(left.typeName)' and '\(right.typeName)'")
        }
    }

    /// Whether `item in container`.
    mutating func contains(_ container: TemplateValue, _ item: TemplateValue) throws(CallFailure) -> Bool {
        switch container {
        case .text(let text):
            guard case .text(let part) = item else {
                throw CallFailure("'in <string>' requires string as left operand, not \(item.typeName)")
            }
            try chargeCall(text.count)
            return text.first(of: part) != nil
        case .mapping(let mapping):
            guard item.isHashable else { throw CallFailure("unhashable type: '\(item.typeName)'") }
            return mapping[item] != nil
        case .list(let items), .tuple(let items), .view(_, let items), .iterator(let items):
            try chargeCall(items.count)
            if case .view("dict_keys", _) = container, !item.isHashable {
                throw CallFailure("unhashable type: '\(item.typeName)'")
            }
            return items.values.contains(item)
        case .range(let start, let end, let step):
            guard let number = item.number.flatMap({ Int(exactly: $0) }) else { return false }
            let place = (number - start) / step
            return place >= 0 && place < TemplateValue.count(start, end, step) && start + place * step == number
        case .undefined: return false
        default: throw CallFailure("argument of type '\(container.typeName)' is not iterable")
        }
    }

    mutating func chargeCall(_ amount: Int) throws(CallFailure) {
        do throws(TemplateError) { try charge(amount) } catch { throw CallFailure(error) }
    }

    // MARK: Calculating

    func negated(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        if let integer = value.integer {
            let (result, isOver) = (0).subtractingReportingOverflow(integer)
            guard !isOver else { throw failure("a number is too large") }
            return .int(result)
        }
        guard case .float(let number) = value else {
            if case .undefined(let name) = value { throw failure("\(name) is undefined") }
            throw failure("bad operand type for unary -: '\(value.typeName)'")
        }
        return .float(-number)
    }

    mutating func arithmetic(
        _ symbol: ArithmeticOperator,
        _ left: TemplateValue,
        _ right: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        for case .undefined(let name) in [left, right] { throw failure("\(name) is undefined") }
        if let one = left.integer, let other = right.integer, symbol != .divide {
            return try integers(symbol, one, other)
        }
        if let one = left.number, let other = right.number { return try floats(symbol, one, other) }
        switch (symbol, left, right) {
        case (.add, .text(let one), .text(let other)):
            try charge(one.count + other.count)
            return .text(one + other)
        case (.add, .list(let one), .list(let other)):
            try charge(one.count + other.count)
            return .list(one.values + other.values)
        case (.add, .tuple(let one), .tuple(let other)):
            try charge(one.count + other.count)
            return .tuple(one.values + other.values)
        case (.multiply, let value, .int(let count)), (.multiply, .int(let count), let value):
            if let repeated = try repeated(value, count) { return repeated }
        case (.modulo, .text(let format), _):
            do throws(CallFailure) {
                return .text(try TemplateFormat.percent(format, right, &self))
            } catch { throw error.error ?? failure(error.reason) }
        default: break
        }
        throw failure("unsupported operand types for \(symbol): '\(left.typeName)' and '\(right.typeName)'")
    }

    private mutating func repeated(_ value: TemplateValue, _ count: Int) throws(TemplateError) -> TemplateValue? {
        let (size, isOver) = value.size.multipliedReportingOverflow(by: max(0, count))
        guard !isOver else { throw .limit("it repeats a value \(count) times") }
        // Of something empty, no number of copies has a size, but each takes memory and time.
        let count = size > 0 ? count : 0
        switch value {
        case .text(let text):
            try charge(size)
            return .text(ChatText(units: Array(repeating: text.units, count: max(0, count)).flatMap { $0 }))
        case .list(let items):
            try charge(size)
            return .list(Array(repeating: items.values, count: max(0, count)).flatMap { $0 })
        case .tuple(let items):
            try charge(size)
            return .tuple(Array(repeating: items.values, count: max(0, count)).flatMap { $0 })
        default: return nil
        }
    }

    private func integers(_ symbol: ArithmeticOperator, _ one: Int, _ other: Int) throws(TemplateError) -> TemplateValue
    {
        let (value, isOver): (Int, Bool)
        switch symbol {
        case .add: (value, isOver) = one.addingReportingOverflow(other)
        case .subtract: (value, isOver) = one.subtractingReportingOverflow(other)
        case .multiply: (value, isOver) = one.multipliedReportingOverflow(by: other)
        case .floorDivide, .modulo, .divide:
            guard other != 0 else { throw failure("division by zero") }
            guard one != .min || other != -1 else { throw failure("a number is too large") }
            // Python rounds the quotient down, and the remainder has the divisor's sign.
            let (quotient, remainder) = one.quotientAndRemainder(dividingBy: other)
            let isBelow = remainder != 0 && (remainder < 0) != (other < 0)
            if symbol == .modulo { return .int(isBelow ? remainder + other : remainder) }
            return .int(isBelow ? quotient - 1 : quotient)
        case .power: return try power(one, other)
        }
        guard !isOver else { throw failure("a number is too large") }
        return .int(value)
    }

    private func power(_ base: Int, _ exponent: Int) throws(TemplateError) -> TemplateValue {
        guard exponent >= 0 else { return try floats(.power, Double(base), Double(exponent)) }
        guard abs(base) > 1 || exponent < 2 else {
            return .int(base == -1 && exponent.isMultiple(of: 2) ? 1 : base)
        }
        var value = 1
        for _ in 0..<min(exponent, 64) {
            let (product, isOver) = value.multipliedReportingOverflow(by: base)
            guard !isOver else { throw failure("a number is too large") }
            value = product
        }
        return .int(value)
    }

    private func floats(_ symbol: ArithmeticOperator, _ one: Double, _ other: Double) throws(TemplateError)
        -> TemplateValue
    {
        switch symbol {
        case .add: return .float(one + other)
        case .subtract: return .float(one - other)
        case .multiply: return .float(one * other)
        case .power:
            let power = pow(one, other)
            guard !power.isNaN || one.isNaN || other.isNaN else { throw failure("the power is not a real number") }
            return .float(power)
        case .divide, .floorDivide, .modulo:
            guard other != 0 else { throw failure("division by zero") }
            if symbol == .divide { return .float(one / other) }
            let (quotient, remainder) = Self.floorDivision(one, other)
            return .float(symbol == .modulo ? remainder : quotient)
        }
    }

    /// Python's `divmod` of floating-point numbers, step by step, so that the last bit is the same.
    private static func floorDivision(_ one: Double, _ other: Double) -> (quotient: Double, remainder: Double) {
        var remainder = one.truncatingRemainder(dividingBy: other)
        var quotient = (one - remainder) / other
        if remainder == 0 {
            remainder = Double(signOf: other, magnitudeOf: 0)
        } else if (remainder < 0) != (other < 0) {
            remainder += other
            quotient -= 1
        }
        guard quotient != 0 else { return (Double(signOf: one / other, magnitudeOf: 0), remainder) }
        let floor = quotient.rounded(.down)
        return (quotient - floor > 0.5 ? floor + 1 : floor, remainder)
    }
}

extension TemplateValue {
    /// The scalars or items that the value itself has.
    var size: Int {
        switch self {
        case .text(let text): text.count
        case .list(let items), .tuple(let items), .view(_, let items), .iterator(let items): items.count
        case .mapping(let mapping): mapping.count
        default: 1
        }
    }
}

extension LoopState {
    /// An attribute of `loop`; nil if there is none of that name.
    func attribute(_ name: String) -> TemplateValue? {
        switch name {
        case "index": .int(index + 1)
        case "index0": .int(index)
        case "revindex": .int(items.count - index)
        case "revindex0": .int(items.count - index - 1)
        case "first": .bool(index == 0)
        case "last": .bool(index == items.count - 1)
        case "length": .int(items.count)
        // Only a recursive loop is deeper, and there are none here.
        case "depth": .int(1)
        case "depth0": .int(0)
        case "previtem": index > 0 ? items[index - 1] : .undefined(name: "there is no previous item, so it")
        case "nextitem":
            index + 1 < items.count ? items[index + 1] : .undefined(name: "there is no next item, so it")
        case "cycle", "changed": .callable(.method(name, of: .loop(self)))
        default: nil
        }
    }
}
