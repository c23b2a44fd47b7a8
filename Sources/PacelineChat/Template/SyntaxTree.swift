/// Statements that have a scope of their own.
struct TemplateBody: Sendable {
    var statements: [TemplateStatement]
    /// Names that are undefined when the body begins, whatever they are outside; see ``FrameNames``.
    var undefinedNames: [String] = []

    init(_ statements: [TemplateStatement]) {
        self.statements = statements
    }
}

/// A statement of a template, with the line it begins in where running it can fail.
indirect enum TemplateStatement: Sendable {
    case text(ChatText)
    case print(TemplateExpression)
    case loop(LoopStatement)
    /// The branches with their conditions, and what runs when none of these holds.
    case choice([(condition: TemplateExpression, body: [TemplateStatement])], otherwise: [TemplateStatement])
    case assign(AssignmentTarget, TemplateExpression)
    /// `{% set x %}…{% endset %}`: the text of the body, passed through filters.
    case capture(AssignmentTarget, filters: [FilterUse], body: TemplateBody)
    case macro(MacroDefinition)
    /// `{% call m() %}…{% endcall %}`: calls a macro that gets the body as `caller`.
    case call(CallExpression, body: MacroDefinition)
    case filter([FilterUse], body: TemplateBody)
    case with([(AssignmentTarget, TemplateExpression)], body: TemplateBody)
    case block(TemplateBody)
    case breakLoop
    case continueLoop
}

struct LoopStatement: Sendable {
    var target: AssignmentTarget
    var items: TemplateExpression
    var condition: TemplateExpression?
    var body: TemplateBody
    var otherwise: TemplateBody
}

/// What a value is assigned to.
indirect enum AssignmentTarget: Sendable {
    case name(String)
    case tuple([AssignmentTarget])
    /// `namespace.attribute`
    case attribute(of: String, String)
}

struct MacroDefinition: Sendable {
    var name: String
    var parameters: [(name: String, standard: TemplateExpression?)]
    var body: TemplateBody
    /// Whether the body reads `varargs`, `kwargs` or `caller`, without which it does not accept them.
    var usesArguments = false
    var usesKeywords = false
    var usesCaller = false
}

/// An expression with the line that it stands in.
struct TemplateExpression: Sendable {
    indirect enum Kind: Sendable {
        case constant(TemplateConstant)
        case name(String)
        case list([TemplateExpression])
        case tuple([TemplateExpression])
        case mapping([(key: TemplateExpression, value: TemplateExpression)])
        case attribute(TemplateExpression, String)
        case item(TemplateExpression, TemplateExpression)
        case slice(TemplateExpression, start: TemplateExpression?, end: TemplateExpression?, step: TemplateExpression?)
        case call(CallExpression)
        case filter(TemplateExpression, FilterUse)
        case test(TemplateExpression, FilterUse, isNegated: Bool)
        case negate(TemplateExpression)
        case plus(TemplateExpression)
        case not(TemplateExpression)
        case and(TemplateExpression, TemplateExpression)
        case or(TemplateExpression, TemplateExpression)
        case arithmetic(ArithmeticOperator, TemplateExpression, TemplateExpression)
        /// `a ~ b ~ c`: as text, one after the other.
        case join([TemplateExpression])
        /// `a < b <= c`
        case compare(TemplateExpression, [(ComparisonOperator, TemplateExpression)])
        case choice(TemplateExpression, condition: TemplateExpression, otherwise: TemplateExpression?)
    }

    var kind: Kind
    var line: Int
}

enum TemplateConstant: Sendable {
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case text(ChatText)
}

struct CallExpression: Sendable {
    var callee: TemplateExpression
    var arguments: CallArguments
}

struct CallArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
    /// `*expression`
    var spread: TemplateExpression?
    /// `**expression`
    var spreadNamed: TemplateExpression?
}

/// A filter or a test by name, with its arguments.
struct FilterUse: Sendable {
    var name: String
    var arguments: CallArguments
    var line: Int
}

enum ArithmeticOperator: Sendable {
    case add, subtract, multiply, divide, floorDivide, modulo, power
}

enum ComparisonOperator: Sendable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual, contained, notContained
}
