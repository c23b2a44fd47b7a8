/// Evaluates expressions.
extension TemplateRenderer {
    mutating func evaluate(
        _ expression: TemplateExpression,
        caller: TemplateValue? = nil
    ) throws(TemplateError) -> TemplateValue {
        line = expression.line
        let line = line
        return try nested { renderer throws(TemplateError) in
            let value = try renderer.evaluate(expression.kind, caller: caller)
            renderer.line = line
            return value
        }
    }

    private mutating func evaluate(
        _ kind: TemplateExpression.Kind,
        caller: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        switch kind {
        case .constant(let constant): return Self.value(of: constant)
        case .name(let name): return scope.value(of: name) ?? .undefined(name: "'\(name)'")
        case .list(let items): return try checked(.list(try evaluate(items)))
        case .tuple(let items): return try checked(.tuple(try evaluate(items)))
        case .mapping(let entries): return try mapping(entries)
        case .attribute(let object, let name): return try attribute(name, of: try evaluate(object))
        case .item(let object, let key):
            let value = try evaluate(object)
            return try item(try evaluate(key), of: value)
        case .slice(let object, let start, let end, let step):
            let value = try evaluate(object)
            let bounds = try (optional(start), optional(end), optional(step))
            return try slice(value, bounds)
        case .call(let call): return try self.call(call, caller: caller)
        case .filter(let operand, let use):
            let value = try evaluate(operand)
            return try apply(use, to: value)
        case .test(let operand, let use, let isNegated):
            let value = try evaluate(operand)
            return .bool(try test(use, value) != isNegated)
        default: return try operation(kind)
        }
    }

    private mutating func operation(_ kind: TemplateExpression.Kind) throws(TemplateError) -> TemplateValue {
        switch kind {
        case .negate(let operand): return try negated(try evaluate(operand))
        case .plus(let operand):
            let value = try evaluate(operand)
            guard value.number != nil else { throw failure("bad operand type for unary +: '\(value.typeName)'") }
            return value.integer.map { .int($0) } ?? value
        case .not(let operand): return .bool(!(try evaluate(operand).isTrue))
        case .and(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? try evaluate(right) : value
        case .or(let left, let right):
            let value = try evaluate(left)
            return value.isTrue ? value : try evaluate(right)
        case .arithmetic(let symbol, let left, let right):
            let value = try evaluate(left)
            return try arithmetic(symbol, value, try evaluate(right))
        case .join(let items):
            var joined = ChatText.empty
            for item in items { joined += try text(of: try evaluate(item)) }
            try charge(joined.count)
            return .text(joined)
        case .compare(let first, let rest): return .bool(try compare(first, rest))
        case .choice(let value, let condition, let otherwise):
            if try evaluate(condition).isTrue { return try evaluate(value) }
            return try otherwise.map { expression throws(TemplateError) in try evaluate(expression) }
                ?? .undefined(name: "the inline if-expression")
        default: throw failure("an expression of an unknown kind")
        }
    }

    private static func value(of constant: TemplateConstant) -> TemplateValue {
        switch constant {
        case .none: .none
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .float(let value): .float(value)
        case .text(let text): .text(text)
        }
    }

    mutating func evaluate(_ expressions: [TemplateExpression]) throws(TemplateError) -> [TemplateValue] {
        var values: [TemplateValue] = []
        for expression in expressions { values.append(try evaluate(expression)) }
        return values
    }

    private mutating func optional(_ expression: TemplateExpression?) throws(TemplateError) -> TemplateValue? {
        guard let expression else { return nil }
        return try evaluate(expression)
    }

    private mutating func mapping(
        _ entries: [(key: TemplateExpression, value: TemplateExpression)]
    ) throws(TemplateError) -> TemplateValue {
        var mapping = TemplateMapping()
        for (key, value) in entries {
            let key = try evaluate(key)
            guard mapping.set(key, try evaluate(value)) else { throw failure("unhashable type: '\(key.typeName)'") }
        }
        return try checked(.mapping(mapping))
    }

    // MARK: Calls

    mutating func call(_ call: CallExpression, caller: TemplateValue?) throws(TemplateError) -> TemplateValue {
        let callee = try evaluate(call.callee)
        let arguments = try evaluate(call.arguments)
        guard case .callable(let callable) = callee else {
            if case .undefined(let name) = callee { throw failure("\(name) is undefined") }
            throw failure("'\(callee.typeName)' object is not callable")
        }
        switch callable {
        case .macro(let macro): return try self.call(macro, arguments, caller: caller)
        case .function(let name):
            return try calling { renderer throws(CallFailure) in
                try TemplateFunctions.call(name, arguments, &renderer)
            }
        case .method(let name, let receiver):
            return try calling { renderer throws(CallFailure) in
                try TemplateMethods.call(name, of: receiver, arguments, &renderer)
            }
        }
    }

    /// Runs a function of the library, and gives its failure the line.
    private mutating func calling(
        _ body: (inout TemplateRenderer) throws(CallFailure) -> TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        let value: TemplateValue
        do {
            value = try body(&self)
        } catch {
            throw error.error ?? failure(error.reason)
        }
        try charge(value.size)
        return try checked(value)
    }

    mutating func evaluate(_ arguments: CallArguments) throws(TemplateError) -> CallValues {
        var values = CallValues()
        values.positional = try evaluate(arguments.positional)
        for (name, expression) in arguments.named { values.named.set(name, try evaluate(expression)) }
        if let spread = arguments.spread { values.positional += try members(of: try evaluate(spread)) }
        if let spread = arguments.spreadNamed {
            guard case .mapping(let mapping) = try evaluate(spread) else {
                throw failure("the argument after ** must be a mapping")
            }
            for entry in mapping.entries {
                let (key, value) = (entry.key, entry.value)
                guard case .text(let name) = key else { throw failure("keywords must be strings") }
                values.named.set(name.string, value)
            }
        }
        return values
    }

    mutating func applying(_ filters: [FilterUse], to value: TemplateValue) throws(TemplateError) -> TemplateValue {
        var value = value
        for filter in filters { value = try apply(filter, to: value) }
        return value
    }

    mutating func apply(_ use: FilterUse, to value: TemplateValue) throws(TemplateError) -> TemplateValue {
        let arguments = try evaluate(use.arguments)
        line = use.line
        return try calling { renderer throws(CallFailure) in
            try TemplateFilters.apply(use.name, to: value, arguments, &renderer)
        }
    }

    mutating func test(_ use: FilterUse, _ value: TemplateValue) throws(TemplateError) -> Bool {
        let arguments = try evaluate(use.arguments)
        line = use.line
        do throws(CallFailure) {
            return try TemplateTests.run(use.name, value, arguments.positional, &self)
        } catch {
            throw error.error ?? failure(error.reason)
        }
    }

    // MARK: Comparing

    private mutating func compare(
        _ first: TemplateExpression,
        _ rest: [(ComparisonOperator, TemplateExpression)]
    ) throws(TemplateError) -> Bool {
        var left = try evaluate(first)
        for (comparison, expression) in rest {
            let right = try evaluate(expression)
            try charge(min(left.size, right.size))
            guard try holds(comparison, left, right) else { return false }
            left = right
        }
        return true
    }

    private mutating func holds(
        _ comparison: ComparisonOperator,
        _ left: TemplateValue,
        _ right: TemplateValue
    ) throws(TemplateError) -> Bool {
        do throws(CallFailure) {
            switch comparison {
            case .equal: return left == right
            case .notEqual: return left != right
            case .less: return try precedes(left, right)
            case .greater: return try precedes(right, left)
            case .lessOrEqual: return try !precedes(right, left)
            case .greaterOrEqual: return try !precedes(left, right)
            case .contained: return try contains(right, left)
            case .notContained: return try !contains(right, left)
            }
        } catch {
            throw error.error ?? failure(error.reason)
        }
    }
}

extension CallFailure {
    /// A failure that has its place already, or that is no failure of the call: a limit, or the template's refusal.
    init(_ error: TemplateError) {
        reason = error.description
        self.error = error
    }
}
