/// Reads a template's statements; expressions are in the other half of this type.
///
/// Source: Jinja 3.1, template designer documentation. Statements for which chat templates have no use (`include`,
/// `extends`, `block`, `import`) are errors.
struct TemplateParser {
    private let tokens: [(token: TemplateToken, line: Int)]
    private var place = 0
    private var depth = 0
    private let depthLimit: Int
    /// Names that the macros around the present place read, innermost last.
    private var readNames: [Set<String>] = []
    private var loops = 0

    init(_ template: String, limits: TemplateLimits) throws(TemplateError) {
        var lexer = TemplateLexer(template)
        tokens = try lexer.run()
        depthLimit = limits.depth
    }

    mutating func run() throws(TemplateError) -> TemplateBody {
        var body = TemplateBody(try statements(until: []))
        guard token == .end else { throw unexpected() }
        FrameNames.resolve(&body)
        return body
    }

    // MARK: Tokens

    var token: TemplateToken { tokens[place].token }
    var line: Int { tokens[place].line }

    func peek() -> TemplateToken { tokens[min(place + 1, tokens.count - 1)].token }

    mutating func advance() {
        if place < tokens.count - 1 { place += 1 }
    }

    mutating func skip(_ symbol: String) -> Bool {
        guard token == .symbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func skipWord(_ word: String) -> Bool {
        guard token == .name(word) else { return false }
        advance()
        return true
    }

    mutating func expect(_ expected: TemplateToken) throws(TemplateError) {
        guard token == expected else { throw unexpected(instead: expected.description) }
        advance()
    }

    mutating func name() throws(TemplateError) -> String {
        guard case .name(let name) = token else { throw unexpected(instead: "a name") }
        advance()
        return name
    }

    func unexpected(instead expected: String? = nil) -> TemplateError {
        .syntax("unexpected \(token.description)" + (expected.map { "; expected \($0)" } ?? ""), line: line)
    }

    /// Notes that a name is read.
    mutating func reads(_ name: String) {
        for index in readNames.indices { readNames[index].insert(name) }
    }

    /// Goes one level deeper for as long as `body` runs.
    mutating func nested<Result>(
        _ body: (inout TemplateParser) throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        try deepen()
        defer { depth -= 1 }
        return try body(&self)
    }

    mutating func deepen() throws(TemplateError) {
        depth += 1
        guard depth <= depthLimit else {
            throw .limit("it nests more than \(depthLimit) statements or expressions (line \(line))")
        }
    }

    /// Takes back ``deepen()`` for each link of a chain that has been read.
    mutating func surface(_ levels: Int) {
        depth -= levels
    }

    // MARK: Statements

    /// Reads up to a statement that begins with one of `ends`, or to the end, and stops there.
    private mutating func statements(until ends: Set<String>) throws(TemplateError) -> [TemplateStatement] {
        try nested { parser throws(TemplateError) in
            var body: [TemplateStatement] = []
            while true {
                switch parser.token {
                case .text(let text):
                    body.append(.text(ChatText(text)))
                    parser.advance()
                case .printBegin:
                    parser.advance()
                    body.append(.print(try parser.tuple()))
                    try parser.expect(.printEnd)
                case .statementBegin:
                    if case .name(let name) = parser.peek(), ends.contains(name) { return body }
                    parser.advance()
                    if let statement = try parser.statement() { body.append(statement) }
                default: return body
                }
            }
        }
    }

    /// Reads a body and the tag that ends it, up to and including that tag's name.
    private mutating func body(until ends: String...) throws(TemplateError) -> ([TemplateStatement], end: String) {
        let begin = line
        try expect(.statementEnd)
        let body = try statements(until: Set(ends))
        guard token == .statementBegin else {
            throw .syntax("'\(ends.last ?? "")' is missing for the statement before", line: begin)
        }
        advance()
        return (body, try name())
    }

    private mutating func body(to end: String) throws(TemplateError) -> [TemplateStatement] {
        let body = try body(until: end).0
        try expect(.statementEnd)
        return body
    }

    private mutating func statement() throws(TemplateError) -> TemplateStatement? {
        let tag = try name()
        switch tag {
        case "if": return try choice()
        case "for": return try loop()
        case "set": return try assignment()
        case "macro": return try macro()
        case "call": return try call()
        case "filter": return try filterBlock()
        case "with": return try with()
        case "generation": return .block(TemplateBody(try body(to: "endgeneration")))
        case "break", "continue":
            guard loops > 0 else { throw .syntax("'\(tag)' outside of a loop", line: line) }
            try expect(.statementEnd)
            return tag == "break" ? .breakLoop : .continueLoop
        default: throw .syntax("unknown statement '\(tag)'", line: line)
        }
    }

    private mutating func choice() throws(TemplateError) -> TemplateStatement {
        var branches: [(condition: TemplateExpression, body: [TemplateStatement])] = []
        var otherwise: [TemplateStatement] = []
        var end = "elif"
        while end == "elif" {
            let condition = try tuple(withChoice: false)
            let (body, next) = try body(until: "elif", "else", "endif")
            branches.append((condition, body))
            end = next
        }
        if end == "else" { otherwise = try body(until: "endif").0 }
        try expect(.statementEnd)
        return .choice(branches, otherwise: otherwise)
    }

    private mutating func loop() throws(TemplateError) -> TemplateStatement {
        let target = try target(endingAt: "in")
        guard skipWord("in") else { throw unexpected(instead: "'in'") }
        let items = try tuple(withChoice: false)
        let condition: TemplateExpression? = skipWord("if") ? try expression() : nil
        if token == .name("recursive") { throw .syntax("recursive loops are not supported", line: line) }
        loops += 1
        let (body, end) = try body(until: "else", "endfor")
        loops -= 1
        let otherwise = end == "else" ? try self.body(until: "endfor").0 : []
        try expect(.statementEnd)
        let statement = LoopStatement(
            target: target,
            items: items,
            condition: condition,
            body: TemplateBody(body),
            otherwise: TemplateBody(otherwise)
        )
        return .loop(statement)
    }

    private mutating func assignment() throws(TemplateError) -> TemplateStatement {
        let target = try target(withAttribute: true)
        if skip("=") {
            let value = try tuple()
            try expect(.statementEnd)
            return .assign(target, value)
        }
        var filters: [FilterUse] = []
        while skip("|") { filters.append(try filterUse()) }
        return .capture(target, filters: filters, body: TemplateBody(try body(to: "endset")))
    }

    private mutating func macro() throws(TemplateError) -> TemplateStatement {
        let name = try name()
        return .macro(try macro(named: name, parameters: try parameters(), end: "endmacro"))
    }

    private mutating func macro(
        named name: String,
        parameters: [(name: String, standard: TemplateExpression?)],
        end: String
    ) throws(TemplateError) -> MacroDefinition {
        readNames.append([])
        let outerLoops = loops
        loops = 0
        let body = try body(to: end)
        loops = outerLoops
        let read = readNames.removeLast()
        return MacroDefinition(
            name: name,
            parameters: parameters,
            body: TemplateBody(body),
            usesArguments: read.contains("varargs"),
            usesKeywords: read.contains("kwargs"),
            usesCaller: read.contains("caller")
        )
    }

    private mutating func parameters() throws(TemplateError) -> [(name: String, standard: TemplateExpression?)] {
        try expect(.symbol("("))
        var parameters: [(name: String, standard: TemplateExpression?)] = []
        while !skip(")") {
            if !parameters.isEmpty { try expect(.symbol(",")) }
            let name = try name()
            let standard: TemplateExpression? = skip("=") ? try expression() : nil
            if standard == nil, parameters.last?.standard != nil {
                throw .syntax("the parameter '\(name)' without a default follows one with a default", line: line)
            }
            parameters.append((name, standard))
        }
        return parameters
    }

    private mutating func call() throws(TemplateError) -> TemplateStatement {
        let parameters = token == .symbol("(") ? try parameters() : []
        let line = line
        guard case .call(let call) = try expression().kind else {
            throw .syntax("'call' needs a call of a macro", line: line)
        }
        return .call(call, body: try macro(named: "caller", parameters: parameters, end: "endcall"))
    }

    private mutating func filterBlock() throws(TemplateError) -> TemplateStatement {
        var filters = [try filterUse()]
        while skip("|") { filters.append(try filterUse()) }
        return .filter(filters, body: TemplateBody(try body(to: "endfilter")))
    }

    private mutating func with() throws(TemplateError) -> TemplateStatement {
        var values: [(AssignmentTarget, TemplateExpression)] = []
        while token != .statementEnd {
            if !values.isEmpty { try expect(.symbol(",")) }
            let target = try target()
            try expect(.symbol("="))
            values.append((target, try expression()))
        }
        return .with(values, body: TemplateBody(try body(to: "endwith")))
    }

    /// What stands left of `=` or `in`.
    private mutating func target(
        withAttribute: Bool = false,
        endingAt end: String? = nil
    ) throws(TemplateError) -> AssignmentTarget {
        if withAttribute, case .name(let namespace) = token, peek() == .symbol(".") {
            advance()
            advance()
            return .attribute(of: namespace, try name())
        }
        let first = try simpleTarget()
        guard token == .symbol(",") else { return first }
        var items = [first]
        while skip(",") {
            if let end, token == .name(end) { break }
            if token == .symbol("=") || token == .statementEnd { break }
            items.append(try simpleTarget())
        }
        return .tuple(items)
    }

    private mutating func simpleTarget() throws(TemplateError) -> AssignmentTarget {
        if skip("(") {
            let inner = try nested { parser throws(TemplateError) in try parser.target() }
            try expect(.symbol(")"))
            return inner
        }
        let name = try name()
        guard !Self.reserved.contains(name) else { throw .syntax("cannot assign to '\(name)'", line: line) }
        return .name(name)
    }

    static let reserved: Set<String> = ["true", "false", "none", "True", "False", "None"]
}
