/// Names and their values inside one block; what is not here is looked up further out.
///
/// A class, because a macro sees the names of the block that it was defined in as they are when it is called.
final class TemplateScope {
    private let parent: TemplateScope?
    private var values: [String: TemplateValue]

    init(parent: TemplateScope?, values: [String: TemplateValue] = [:]) {
        self.parent = parent
        self.values = values
    }

    func value(of name: String) -> TemplateValue? {
        var scope: TemplateScope? = self
        while let present = scope {
            if let value = present.values[name] { return value }
            scope = present.parent
        }
        return nil
    }

    func set(_ name: String, _ value: TemplateValue) {
        values[name] = value
    }

    /// Drops everything, which ends cycles through macros.
    func clear() {
        values.removeAll()
    }
}

/// `namespace(…)`: the one value that a template can change, so that a loop can carry something over its iterations.
package final class TemplateNamespace {
    private(set) var values = TemplateMapping()

    init(_ values: TemplateMapping) {
        self.values = values
    }

    func set(_ name: String, _ value: TemplateValue) {
        values.set(name, value)
    }

    func clear() {
        values = TemplateMapping()
    }
}

/// `loop` inside a `for`.
package final class LoopState {
    let items: [TemplateValue]
    var index = 0
    /// What `changed(…)` was last asked about.
    var lastAsked: [TemplateValue]?

    init(items: [TemplateValue]) {
        self.items = items
    }
}

/// Something that a template can call.
package enum TemplateCallable {
    /// A function that every template has.
    case function(String)
    /// A method together with the value it belongs to.
    indirect case method(String, of: TemplateValue)
    case macro(TemplateMacro)
}

/// A macro, or the body of a call block, with the scope in which it was written.
package final class TemplateMacro {
    let definition: MacroDefinition
    let scope: TemplateScope

    init(_ definition: MacroDefinition, scope: TemplateScope) {
        self.definition = definition
        self.scope = scope
    }
}
