/// Expressions, from the loosest operator to the tightest, as Jinja's parser ranks them.
extension TemplateParser {
    /// One expression or several with commas between them, which make a tuple.
    mutating func tuple(withChoice: Bool = true) throws(TemplateError) -> TemplateExpression {
        let line = line
        let first = try withChoice ? expression() : disjunction()
        guard token == .symbol(",") else { return first }
        var items = [first]
        while skip(",") {
            guard !endsTuple else { break }
            items.append(try withChoice ? expression() : disjunction())
        }
        return TemplateExpression(kind: .tuple(items), line: line)
    }

    private var endsTuple: Bool {
        switch token {
        case .printEnd, .statementEnd, .symbol(")"), .symbol("="): true
        default: false
        }
    }

    mutating func expression() throws(TemplateError) -> TemplateExpression {
        try nested { parser throws(TemplateError) in
            let line = parser.line
            var value = try parser.disjunction()
            var levels = 0
            while parser.skipWord("if") {
                try parser.deepen()
                levels += 1
                let condition = try parser.disjunction()
                let otherwise: TemplateExpression? = parser.skipWord("else") ? try parser.expression() : nil
                let kind = TemplateExpression.Kind.choice(value, condition: condition, otherwise: otherwise)
                value = TemplateExpression(kind: kind, line: line)
            }
            parser.surface(levels)
            return value
        }
    }

    private mutating func disjunction() throws(TemplateError) -> TemplateExpression {
        try chain({ $0.skipWord("or") ? { .or($0, $1) } : nil }) { parser throws(TemplateError) in
            try parser.conjunction()
        }
    }

    private mutating func conjunction() throws(TemplateError) -> TemplateExpression {
        try chain({ $0.skipWord("and") ? { .and($0, $1) } : nil }) { parser throws(TemplateError) in
            try parser.negation()
        }
    }

    private mutating func negation() throws(TemplateError) -> TemplateExpression {
        guard token == .name("not") else { return try comparison() }
        let line = line
        advance()
        let value = try nested { parser throws(TemplateError) in try parser.negation() }
        return TemplateExpression(kind: .not(value), line: line)
    }

    private mutating func comparison() throws(TemplateError) -> TemplateExpression {
        let line = line
        let first = try sum()
        var rest: [(ComparisonOperator, TemplateExpression)] = []
        while let comparison = takeComparison() {
            rest.append((comparison, try sum()))
        }
        return rest.isEmpty ? first : TemplateExpression(kind: .compare(first, rest), line: line)
    }

    private mutating func takeComparison() -> ComparisonOperator? {
        let found: ComparisonOperator? =
            switch token {
            case .symbol("=="): .equal
            case .symbol("!="): .notEqual
            case .symbol("<"): .less
            case .symbol("<="): .lessOrEqual
            case .symbol(">"): .greater
            case .symbol(">="): .greaterOrEqual
            case .name("in"): .contained
            case .name("not") where peek() == .name("in"): .notContained
            default: nil
            }
        guard let found else { return nil }
        advance()
        if found == .notContained { advance() }
        return found
    }

    private mutating func sum() throws(TemplateError) -> TemplateExpression {
        try arithmetic(["+": .add, "-": .subtract]) { parser throws(TemplateError) in try parser.joined() }
    }

    private mutating func joined() throws(TemplateError) -> TemplateExpression {
        let line = line
        var items = [try product()]
        while skip("~") { items.append(try product()) }
        return items.count == 1 ? items[0] : TemplateExpression(kind: .join(items), line: line)
    }

    private mutating func product() throws(TemplateError) -> TemplateExpression {
        try arithmetic(["*": .multiply, "/": .divide, "//": .floorDivide, "%": .modulo]) {
            parser throws(TemplateError) in try parser.power()
        }
    }

    private mutating func power() throws(TemplateError) -> TemplateExpression {
        try arithmetic(["**": .power]) { parser throws(TemplateError) in try parser.unary() }
    }

    private mutating func arithmetic(
        _ operators: [String: ArithmeticOperator],
        operand: (inout TemplateParser) throws(TemplateError) -> TemplateExpression
    ) throws(TemplateError) -> TemplateExpression {
        try chain(
            { parser in
                guard case .symbol(let symbol) = parser.token, let found = operators[symbol] else { return nil }
                parser.advance()
                return { .arithmetic(found, $0, $1) }
            },
            operand: operand
        )
    }

    /// Operands with operators of one rank between them, joined from the left.
    private mutating func chain(
        _ take: (inout TemplateParser) -> ((TemplateExpression, TemplateExpression) -> TemplateExpression.Kind)?,
        operand: (inout TemplateParser) throws(TemplateError) -> TemplateExpression
    ) throws(TemplateError) -> TemplateExpression {
        let line = line
        var value = try operand(&self)
        var levels = 0
        while let make = take(&self) {
            try deepen()
            levels += 1
            value = TemplateExpression(kind: make(value, try operand(&self)), line: line)
        }
        surface(levels)
        return value
    }

    private mutating func unary(withFilters: Bool = true) throws(TemplateError) -> TemplateExpression {
        let line = line
        var value: TemplateExpression
        if token == .symbol("-") || token == .symbol("+") {
            let isMinus = token == .symbol("-")
            advance()
            let operand = try nested { parser throws(TemplateError) in try parser.unary(withFilters: false) }
            value = TemplateExpression(kind: isMinus ? .negate(operand) : .plus(operand), line: line)
        } else {
            value = try primary()
        }
        var levels = 0
        value = try postfix(value, &levels)
        if withFilters { value = try filtered(value, &levels) }
        surface(levels)
        return value
    }

    // MARK: Primaries

    private mutating func primary() throws(TemplateError) -> TemplateExpression {
        let line = line
        func constant(_ constant: TemplateConstant) -> TemplateExpression {
            TemplateExpression(kind: .constant(constant), line: line)
        }
        switch token {
        case .name(let name):
            advance()
            switch name {
            case "true", "True": return constant(.bool(true))
            case "false", "False": return constant(.bool(false))
            case "none", "None": return constant(.none)
            default:
                reads(name)
                return TemplateExpression(kind: .name(name), line: line)
            }
        case .string:
            var text = ""
            while case .string(let piece) = token {
                text += piece
                advance()
            }
            return constant(.text(ChatText(text)))
        case .int(let value):
            advance()
            return constant(.int(value))
        case .float(let value):
            advance()
            return constant(.float(value))
        case .symbol("("): return try parentheses()
        case .symbol("["): return try list()
        case .symbol("{"): return try mapping()
        default: throw unexpected(instead: "an expression")
        }
    }

    private mutating func parentheses() throws(TemplateError) -> TemplateExpression {
        let line = line
        advance()
        if skip(")") { return TemplateExpression(kind: .tuple([]), line: line) }
        let value = try nested { parser throws(TemplateError) in try parser.tuple() }
        try expect(.symbol(")"))
        return value
    }

    private mutating func list() throws(TemplateError) -> TemplateExpression {
        let line = line
        advance()
        var items: [TemplateExpression] = []
        while !skip("]") {
            if !items.isEmpty { try expect(.symbol(",")) }
            if skip("]") { break }
            items.append(try expression())
        }
        return TemplateExpression(kind: .list(items), line: line)
    }

    private mutating func mapping() throws(TemplateError) -> TemplateExpression {
        let line = line
        advance()
        var entries: [(key: TemplateExpression, value: TemplateExpression)] = []
        while !skip("}") {
            if !entries.isEmpty { try expect(.symbol(",")) }
            if skip("}") { break }
            let key = try expression()
            try expect(.symbol(":"))
            entries.append((key, try expression()))
        }
        return TemplateExpression(kind: .mapping(entries), line: line)
    }

    // MARK: What follows a primary

    private mutating func postfix(
        _ start: TemplateExpression,
        _ levels: inout Int
    ) throws(TemplateError) -> TemplateExpression {
        var value = start
        while true {
            let line = line
            if skip(".") {
                value = TemplateExpression(kind: try attribute(of: value), line: line)
            } else if skip("[") {
                value = TemplateExpression(kind: try item(of: value), line: line)
            } else if token == .symbol("(") {
                value = try call(of: value, line: line)
            } else {
                return value
            }
            try deepen()
            levels += 1
        }
    }

    private mutating func call(of callee: TemplateExpression, line: Int) throws(TemplateError) -> TemplateExpression {
        let call = CallExpression(callee: callee, arguments: try arguments())
        return TemplateExpression(kind: .call(call), line: line)
    }

    private mutating func attribute(of value: TemplateExpression) throws(TemplateError) -> TemplateExpression.Kind {
        if case .int(let index) = token {
            let key = TemplateExpression(kind: .constant(.int(index)), line: line)
            advance()
            return .item(value, key)
        }
        return .attribute(value, try name())
    }

    private mutating func item(of value: TemplateExpression) throws(TemplateError) -> TemplateExpression.Kind {
        let line = line
        var parts: [TemplateExpression?] = [nil]
        var isSlice = false
        while !skip("]") {
            if skip(":") {
                isSlice = true
                parts.append(nil)
                guard parts.count <= 3 else { throw .syntax("a slice has at most three parts", line: line) }
            } else {
                guard parts[parts.count - 1] == nil else { throw unexpected(instead: "']'") }
                parts[parts.count - 1] = try isSlice ? expression() : tuple()
            }
        }
        guard isSlice else {
            guard let key = parts[0] else { throw .syntax("expected an index in the brackets", line: line) }
            return .item(value, key)
        }
        return .slice(value, start: parts[0], end: parts[1], step: parts.count > 2 ? parts[2] : nil)
    }

    private mutating func filtered(
        _ start: TemplateExpression,
        _ levels: inout Int
    ) throws(TemplateError) -> TemplateExpression {
        var value = start
        while true {
            let line = line
            if skip("|") {
                value = TemplateExpression(kind: .filter(value, try filterUse()), line: line)
            } else if skipWord("is") {
                let isNegated = skipWord("not")
                value = TemplateExpression(kind: .test(value, try testUse(), isNegated: isNegated), line: line)
            } else if token == .symbol("(") {
                value = try call(of: value, line: line)
            } else {
                return value
            }
            try deepen()
            levels += 1
        }
    }

    /// A filter's name and arguments.
    mutating func filterUse() throws(TemplateError) -> FilterUse {
        let line = line
        let name = try dottedName()
        let arguments = token == .symbol("(") ? try arguments() : CallArguments()
        return FilterUse(name: name, arguments: arguments, line: line)
    }

    private mutating func testUse() throws(TemplateError) -> FilterUse {
        let line = line
        let name = try dottedName()
        var arguments = CallArguments()
        if token == .symbol("(") {
            arguments = try self.arguments()
        } else if token == .name("is") {
            throw .syntax("tests cannot be chained with 'is'", line: line)
        } else if beginsArgument {
            var levels = 0
            let start = try primary()
            arguments.positional = [try postfix(start, &levels)]
            surface(levels)
        }
        return FilterUse(name: name, arguments: arguments, line: line)
    }

    private var beginsArgument: Bool {
        switch token {
        case .name(let name): !["else", "or", "and"].contains(name)
        case .string, .int, .float, .symbol("["), .symbol("{"): true
        default: false
        }
    }

    private mutating func dottedName() throws(TemplateError) -> String {
        var whole = try name()
        while token == .symbol("."), case .name = peek() {
            advance()
            whole += "." + (try name())
        }
        return whole
    }

    mutating func arguments() throws(TemplateError) -> CallArguments {
        try nested { parser throws(TemplateError) in
            try parser.expect(.symbol("("))
            var arguments = CallArguments()
            var isFirst = true
            while !parser.skip(")") {
                if !isFirst { try parser.expect(.symbol(",")) }
                isFirst = false
                if parser.skip(")") { break }
                try parser.argument(into: &arguments)
            }
            return arguments
        }
    }

    private mutating func argument(into arguments: inout CallArguments) throws(TemplateError) {
        if skip("*") {
            arguments.spread = try expression()
        } else if skip("**") {
            arguments.spreadNamed = try expression()
        } else if case .name(let name) = token, peek() == .symbol("=") {
            advance()
            advance()
            arguments.named.append((name, try expression()))
        } else {
            guard arguments.named.isEmpty, arguments.spreadNamed == nil else {
                throw .syntax("a positional argument follows a named one", line: line)
            }
            arguments.positional.append(try expression())
        }
    }
}
