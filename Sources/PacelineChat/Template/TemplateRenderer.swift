/// Runs the statements of a template.
struct TemplateRenderer {
    /// How a body ended.
    enum Flow {
        case normal, breakLoop, continueLoop
    }

    let limits: TemplateLimits
    /// What `strftime_now` formats, in seconds since 1970, UTC.
    let time: Int
    var scope: TemplateScope
    private let root: TemplateScope
    /// The line of the expression or statement at work, for errors.
    var line = 1
    private var output = ChatText.empty
    private var work = 0
    private var depth = 0
    /// What may be part of a cycle of references, and is emptied at the end.
    private var namespaces: [TemplateNamespace] = []
    private var macroScopes: [TemplateScope] = []

    init(context: TemplateMapping, limits: TemplateLimits, time: Int) {
        self.limits = limits
        self.time = time
        var values: [String: TemplateValue] = [:]
        for entry in context.entries {
            let (key, value) = (entry.key, entry.value)
            if case .text(let name) = key { values[name.string] = value }
        }
        let functions = TemplateFunctions.names.map { ($0, TemplateValue.callable(.function($0))) }
        let globals = TemplateScope(parent: nil, values: Dictionary(uniqueKeysWithValues: functions))
        root = TemplateScope(parent: globals, values: values)
        scope = root
    }

    mutating func run(_ body: TemplateBody) throws(TemplateError) -> ChatText {
        hide(body.undefinedNames)
        _ = try execute(body.statements)
        return output
    }

    /// Ends cycles of references, so that all values of the run are freed.
    mutating func release() {
        for namespace in namespaces { namespace.clear() }
        for scope in macroScopes { scope.clear() }
        root.clear()
    }

    // MARK: Limits

    /// The work of evaluating a node, as against a scalar or an item that it makes.
    private static let nodeWork = 10

    /// Counts work: a node, or scalars and items that it makes.
    mutating func charge(_ amount: Int) throws(TemplateError) {
        let (sum, isOver) = work.addingReportingOverflow(amount)
        guard !isOver, sum <= limits.work else { throw .limit("it does more than \(limits.work) steps") }
        work = sum
    }

    /// Runs `body` one level deeper.
    mutating func nested<Result>(
        _ body: (inout TemplateRenderer) throws(TemplateError) -> Result
    ) throws(TemplateError) -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth <= limits.depth else { throw .limit("it nests calls deeper than \(limits.depth)") }
        try charge(Self.nodeWork)
        return try body(&self)
    }

    func failure(_ reason: String) -> TemplateError {
        .failed(reason, line: line)
    }

    /// A container that the template made; too deep ones are refused.
    func checked(_ value: TemplateValue) throws(TemplateError) -> TemplateValue {
        guard value.depth <= limits.valueDepth else {
            throw .limit("it nests values deeper than \(limits.valueDepth)")
        }
        return value
    }

    // MARK: Statements

    mutating func execute(_ body: [TemplateStatement]) throws(TemplateError) -> Flow {
        try nested { renderer throws(TemplateError) in
            for statement in body {
                let flow = try renderer.execute(statement)
                if flow != .normal { return flow }
            }
            return .normal
        }
    }

    private mutating func execute(_ statement: TemplateStatement) throws(TemplateError) -> Flow {
        try charge(1)
        switch statement {
        case .text(let text): try print(text)
        case .print(let expression): try print(try text(of: evaluate(expression)))
        case .loop(let loop): try execute(loop)
        case .choice(let branches, let otherwise):
            for branch in branches where try evaluate(branch.condition).isTrue {
                return try execute(branch.body)
            }
            return try execute(otherwise)
        case .assign(let target, let expression): try assign(try evaluate(expression), to: target)
        case .capture(let target, let filters, let body):
            let text = try captured { renderer throws(TemplateError) in try renderer.inScope(body) }
            try assign(try applying(filters, to: .text(text)), to: target)
        case .macro(let definition):
            macroScopes.append(scope)
            scope.set(definition.name, .callable(.macro(TemplateMacro(definition, scope: scope))))
        case .call(let call, let body):
            let caller = TemplateMacro(body, scope: scope)
            try print(try text(of: self.call(call, caller: .callable(.macro(caller)))))
        case .filter(let filters, let body):
            let inner = try captured { renderer throws(TemplateError) in try renderer.inScope(body) }
            try print(try text(of: applying(filters, to: .text(inner))))
        case .with(let values, let body): return try execute(with: values, body)
        case .block(let body): return try inScope(body)
        case .breakLoop: return .breakLoop
        case .continueLoop: return .continueLoop
        }
        return .normal
    }

    private mutating func print(_ text: ChatText) throws(TemplateError) {
        try charge(text.count)
        output += text
        guard output.count <= limits.output else {
            throw .limit("it prints more than \(limits.output) characters")
        }
    }

    /// What `body` prints, which is not printed.
    mutating func captured(
        _ body: (inout TemplateRenderer) throws(TemplateError) -> Flow
    ) throws(TemplateError) -> ChatText {
        let outer = output
        output = .empty
        defer { output = outer }
        _ = try body(&self)
        return output
    }

    /// Runs a body in a scope of its own.
    mutating func inScope(_ body: TemplateBody) throws(TemplateError) -> Flow {
        let outer = scope
        scope = TemplateScope(parent: outer)
        defer { scope = outer }
        hide(body.undefinedNames)
        return try execute(body.statements)
    }

    /// Makes names undefined in the present scope.
    private func hide(_ names: [String]) {
        for name in names { scope.set(name, .undefined(name: "'\(name)'")) }
    }

    private mutating func execute(
        with values: [(AssignmentTarget, TemplateExpression)],
        _ body: TemplateBody
    ) throws(TemplateError) -> Flow {
        // All values are computed in the outer scope, before the first name is set.
        var computed: [TemplateValue] = []
        for (_, expression) in values { computed.append(try evaluate(expression)) }
        let outer = scope
        scope = TemplateScope(parent: outer)
        defer { scope = outer }
        hide(body.undefinedNames)
        for (value, (target, _)) in zip(computed, values) { try assign(value, to: target) }
        return try execute(body.statements)
    }

    private mutating func execute(_ loop: LoopStatement) throws(TemplateError) {
        let outer = scope
        defer { scope = outer }
        var items = try members(of: try evaluate(loop.items))
        try charge(items.count)
        if let condition = loop.condition {
            var kept: [TemplateValue] = []
            for item in items {
                scope = TemplateScope(parent: outer)
                try assign(item, to: loop.target)
                if try evaluate(condition).isTrue { kept.append(item) }
            }
            items = kept
        }
        // As in Jinja, `else` runs unless an iteration came to the end of the body.
        var isAnyComplete = false
        let state = LoopState(items: items)
        for (index, item) in items.enumerated() {
            state.index = index
            scope = TemplateScope(parent: outer, values: ["loop": .loop(state)])
            hide(loop.body.undefinedNames)
            try assign(item, to: loop.target)
            let flow = try execute(loop.body.statements)
            if flow == .breakLoop { break }
            isAnyComplete = isAnyComplete || flow == .normal
        }
        scope = outer
        if !isAnyComplete { _ = try inScope(loop.otherwise) }
    }

    mutating func assign(_ value: TemplateValue, to target: AssignmentTarget) throws(TemplateError) {
        switch target {
        case .name(let name): scope.set(name, value)
        case .attribute(let name, let attribute):
            guard case .namespace(let namespace)? = scope.value(of: name) else {
                throw failure("cannot assign attribute on non-namespace object")
            }
            namespace.set(attribute, value)
        case .tuple(let targets):
            let values = try members(of: value)
            guard values.count == targets.count else {
                throw failure(
                    values.count > targets.count
                        ? "too many values to unpack (expected \(targets.count))"
                        : "not enough values to unpack (expected \(targets.count), got \(values.count))"
                )
            }
            for (value, target) in zip(values, targets) { try assign(value, to: target) }
        }
    }

    mutating func makeNamespace(_ values: TemplateMapping) -> TemplateNamespace {
        let namespace = TemplateNamespace(values)
        namespaces.append(namespace)
        return namespace
    }

    // MARK: Macros

    mutating func call(
        _ macro: TemplateMacro,
        _ arguments: CallValues,
        caller: TemplateValue? = nil
    ) throws(TemplateError) -> TemplateValue {
        let definition = macro.definition
        var (positional, named) = (arguments.positional, arguments.named)
        var given: [String: TemplateValue] = [:]
        for (name, _) in definition.parameters {
            if !positional.isEmpty {
                given[name] = positional.removeFirst()
                guard named[name] == nil else { throw failure("macro got two values for '\(name)'") }
            } else if let value = named.remove(name) {
                given[name] = value
            }
        }
        var hidden: [String: TemplateValue] = [:]
        if definition.usesCaller { hidden["caller"] = caller ?? named.remove("caller") ?? .undefined(name: "caller") }
        if let caller, !definition.usesCaller { named.set("caller", caller) }
        if definition.usesKeywords { hidden["kwargs"] = .mapping(named.mapping) }
        if definition.usesArguments { hidden["varargs"] = .tuple(positional) }
        try check(macro, extraPositional: positional.count, extraNamed: named.names)
        let outer = scope
        defer { scope = outer }
        scope = TemplateScope(parent: macro.scope, values: hidden)
        hide(definition.body.undefinedNames)
        try setParameters(of: definition, to: given)
        let body = definition.body.statements
        return .text(try captured { renderer throws(TemplateError) in try renderer.execute(body) })
    }

    /// Gives each parameter its value. A default may read the parameters before it.
    private mutating func setParameters(
        of definition: MacroDefinition,
        to given: [String: TemplateValue]
    ) throws(TemplateError) {
        for (name, standard) in definition.parameters {
            if let value = given[name] {
                scope.set(name, value)
            } else if let standard {
                scope.set(name, try evaluate(standard))
            } else {
                scope.set(name, .undefined(name: "parameter '\(name)' was not provided; it"))
            }
        }
    }

    private func check(_ macro: TemplateMacro, extraPositional: Int, extraNamed: [String]) throws(TemplateError) {
        let definition = macro.definition
        if !definition.usesKeywords, let name = extraNamed.first {
            throw failure("macro '\(definition.name)' takes no keyword argument '\(name)'")
        }
        if !definition.usesArguments, extraPositional > 0 {
            throw failure("macro '\(definition.name)' takes not more than \(definition.parameters.count) argument(s)")
        }
    }
}
