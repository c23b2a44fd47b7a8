/// Finds out which names are undefined when a body begins, although a name outside of it has a value.
///
/// Jinja decides before it runs a template where each name of a body comes from. If a body sets a name before it reads
/// it, the name belongs to the body from the start, and is undefined until set. Inner bodies (loops, macros) that run
/// earlier see it undefined. Templates rarely depend on this and never on purpose, but it changes the prompt. Source:
/// Jinja 3.1.6, `idtracking.py`.
final class FrameNames {
    /// Where a name's value is from when the body begins.
    private enum Origin {
        case outside, undefined
    }

    /// What is known of the names at one point of the body; every branch of an `if` continues with a copy.
    private struct State {
        var origins: [String: Origin] = [:]
        var stored: Set<String> = []
    }

    private let parent: FrameNames?
    private var state = State()

    private init(parent: FrameNames?) {
        self.parent = parent
    }

    /// Notes in a body, and in all bodies inside of it, which names are undefined at its beginning.
    ///
    /// - Parameter parameters: names that have a value when the body begins, because it is that of a loop or macro.
    static func resolve(_ body: inout TemplateBody, parameters: [String] = [], parent: FrameNames? = nil) {
        let frame = FrameNames(parent: parent)
        for name in parameters { frame.state.origins[name] = .outside }
        frame.visit(body.statements)
        body.undefinedNames = frame.state.origins.filter { $0.value == .undefined }.map(\.key).sorted()
        for index in body.statements.indices { frame.resolveInside(&body.statements[index]) }
    }

    private func knows(_ name: String) -> Bool {
        state.origins[name] != nil || parent?.knows(name) ?? false
    }

    private func load(_ name: String) {
        if !knows(name) { state.origins[name] = .outside }
    }

    private func store(_ name: String) {
        state.stored.insert(name)
        guard state.origins[name] == nil else { return }
        state.origins[name] = parent?.knows(name) ?? false ? .outside : .undefined
    }

    // MARK: What the body itself does, in order

    private func visit(_ statements: [TemplateStatement]) {
        for statement in statements { visit(statement) }
    }

    private func visit(_ statement: TemplateStatement) {
        switch statement {
        case .text, .block, .breakLoop, .continueLoop: break
        case .print(let expression): visit(expression)
        case .loop(let loop): visit(loop.items)
        case .choice(let branches, let otherwise): visit(branches, otherwise)
        case .assign(let target, let expression):
            visit(expression)
            visit(target)
        case .capture(let target, _, _): visit(target)
        case .macro(let definition): store(definition.name)
        case .call(let call, _):
            visit(call.callee)
            visit(call.arguments)
        case .filter(let filters, _): for filter in filters { visit(filter.arguments) }
        case .with(let values, _): for (_, expression) in values { visit(expression) }
        }
    }

    private func visit(
        _ branches: [(condition: TemplateExpression, body: [TemplateStatement])],
        _ otherwise: [TemplateStatement]
    ) {
        guard let first = branches.first else { return }
        visit(first.condition)
        let start = state
        visit(first.body)
        let afterFirst = state
        state = start
        // Each further condition is an `if` of its own, of which nothing else follows.
        for branch in branches.dropFirst() { visit([branch], []) }
        let afterRest = state
        state = start
        visit(otherwise)
        merge([afterFirst, afterRest, state], into: start)
    }

    /// A name that branches set has the value from outside until one of them does.
    private func merge(_ branches: [State], into start: State) {
        state = start
        for branch in branches {
            state.origins.merge(branch.origins) { _, new in new }
            state.stored.formUnion(branch.stored)
        }
        for name in state.stored.subtracting(start.stored) { state.origins[name] = .outside }
    }

    private func visit(_ target: AssignmentTarget) {
        switch target {
        case .name(let name): store(name)
        case .tuple(let targets): for target in targets { visit(target) }
        case .attribute(let name, _): load(name)
        }
    }

    private func visit(_ arguments: CallArguments) {
        for expression in arguments.positional { visit(expression) }
        for (_, expression) in arguments.named { visit(expression) }
        if let spread = arguments.spread { visit(spread) }
        if let spread = arguments.spreadNamed { visit(spread) }
    }

    private func visit(_ expression: TemplateExpression) {
        switch expression.kind {
        case .constant: break
        case .name(let name): load(name)
        case .list(let items), .tuple(let items), .join(let items): for item in items { visit(item) }
        case .mapping(let entries):
            for (key, value) in entries {
                visit(key)
                visit(value)
            }
        case .attribute(let value, _), .negate(let value), .plus(let value), .not(let value): visit(value)
        case .item(let one, let other), .and(let one, let other), .or(let one, let other),
            .arithmetic(_, let one, let other):
            visit(one)
            visit(other)
        case .slice(let value, let start, let end, let step):
            for part in [value, start, end, step] { part.map(visit) }
        case .call(let call):
            visit(call.callee)
            visit(call.arguments)
        case .filter(let value, let use), .test(let value, let use, _):
            visit(value)
            visit(use.arguments)
        case .compare(let first, let rest):
            visit(first)
            for (_, operand) in rest { visit(operand) }
        case .choice(let value, let condition, let otherwise):
            for part in [condition, value, otherwise] { part.map(visit) }
        }
    }

    // MARK: The bodies inside

    private func resolveInside(_ statement: inout TemplateStatement) {
        switch statement {
        case .text, .print, .assign, .breakLoop, .continueLoop: break
        case .loop(var loop):
            Self.resolve(&loop.body, parameters: loop.target.names + ["loop"], parent: self)
            Self.resolve(&loop.otherwise, parent: self)
            statement = .loop(loop)
        case .choice(var branches, var otherwise):
            for branch in branches.indices {
                for index in branches[branch].body.indices { resolveInside(&branches[branch].body[index]) }
            }
            for index in otherwise.indices { resolveInside(&otherwise[index]) }
            statement = .choice(branches, otherwise: otherwise)
        case .capture(let target, let filters, var body):
            Self.resolve(&body, parent: self)
            statement = .capture(target, filters: filters, body: body)
        case .macro(var definition):
            Self.resolve(&definition.body, parameters: definition.names, parent: self)
            statement = .macro(definition)
        case .call(let call, var definition):
            Self.resolve(&definition.body, parameters: definition.names, parent: self)
            statement = .call(call, body: definition)
        case .filter(let filters, var body):
            Self.resolve(&body, parent: self)
            statement = .filter(filters, body: body)
        case .with(let values, var body):
            Self.resolve(&body, parameters: values.flatMap(\.0.names), parent: self)
            statement = .with(values, body: body)
        case .block(var body):
            Self.resolve(&body, parent: self)
            statement = .block(body)
        }
    }
}

extension AssignmentTarget {
    /// The names that it sets.
    fileprivate var names: [String] {
        switch self {
        case .name(let name): [name]
        case .tuple(let targets): targets.flatMap(\.names)
        case .attribute: []
        }
    }
}

extension MacroDefinition {
    /// The names that the body finds set.
    fileprivate var names: [String] {
        parameters.map(\.name) + ["varargs", "kwargs", "caller"]
    }
}
