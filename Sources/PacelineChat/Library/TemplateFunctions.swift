/// Functions that every template can call.
enum TemplateFunctions {
    static let names = ["range", "namespace", "dict", "raise_exception", "strftime_now"]

    static func call(
        _ name: String,
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> TemplateValue {
        switch name {
        case "range": try range(arguments)
        case "namespace": .namespace(renderer.makeNamespace(try mapping(arguments, &renderer)))
        case "dict": .mapping(try mapping(arguments, &renderer))
        case "raise_exception":
            throw CallFailure(.refused(try renderer.string(arguments.positional.first ?? .undefined(name: ""))))
        default:
            .string(try strftime(arguments, time: renderer.time))
        }
    }

    private static func range(_ arguments: CallValues) throws(CallFailure) -> TemplateValue {
        let bounds = arguments.positional.compactMap(\.integer)
        guard bounds.count == arguments.positional.count, (1...3).contains(bounds.count), arguments.named.names.isEmpty
        else { throw CallFailure("range needs one to three integers") }
        let step = bounds.count == 3 ? bounds[2] : 1
        guard step != 0 else { throw CallFailure("range() arg 3 must not be zero") }
        return .range(start: bounds.count == 1 ? 0 : bounds[0], end: bounds[bounds.count == 1 ? 0 : 1], step: step)
    }

    private static func mapping(
        _ arguments: CallValues,
        _ renderer: inout TemplateRenderer
    ) throws(CallFailure) -> TemplateMapping {
        var mapping = TemplateMapping()
        guard arguments.positional.count <= 1 else { throw CallFailure("expected at most 1 argument") }
        switch arguments.positional.first {
        case nil: break
        case .mapping(let given): mapping = given
        case .some(let value):
            for pair in try renderer.elements(of: value) {
                let parts = try renderer.elements(of: pair)
                guard parts.count == 2, mapping.set(parts[0], parts[1]) else {
                    throw CallFailure("a mapping is made of pairs of a key and a value")
                }
            }
        }
        for (name, value) in arguments.named.entries { mapping.set(name, value) }
        return mapping
    }

    private static func strftime(_ arguments: CallValues, time: Int) throws(CallFailure) -> String {
        guard case .text(let format)? = arguments.positional.first else {
            throw CallFailure("strftime_now needs a format")
        }
        return try CalendarTime(secondsSince1970: time).formatted(format.string)
    }
}

extension TemplateRenderer {
    /// The value's text, as `str(value)`.
    mutating func string(_ value: TemplateValue) throws(CallFailure) -> String {
        try chatText(value).string
    }

    mutating func chatText(_ value: TemplateValue) throws(CallFailure) -> ChatText {
        do throws(TemplateError) { return try text(of: value) } catch { throw CallFailure(error) }
    }

    /// What a loop over the value visits.
    mutating func elements(of value: TemplateValue) throws(CallFailure) -> [TemplateValue] {
        do throws(TemplateError) { return try members(of: value) } catch { throw CallFailure(error) }
    }
}
