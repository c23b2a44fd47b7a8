import PacelineChat
import PacelineGrammar

extension GenerationOptions {
    /// What the text must be; nil for anything.
    ///
    /// Clients ask for it in several ways; a request may use one of them.
    static func constraint(_ fields: RequestFields) throws(APIError) -> RequestedConstraint? {
        var found: [RequestedConstraint] = []
        if let format = try responseFormat(fields) { found.append(format) }
        if let outputs = try structuredOutputs(fields) { found.append(outputs) }
        // llama.cpp's names.
        if let schema = fields.value("json_schema") {
            found.append(RequestedConstraint(.jsonSchema(try text(of: schema, "json_schema", fields)), "json_schema"))
        }
        if let grammar = try fields.string("grammar"), !grammar.isEmpty {
            found.append(RequestedConstraint(.gbnf(grammar), "grammar"))
        }
        guard found.count < 2 else {
            throw .invalidRequest(
                "\(found[0].field) and \(found[1].field) both say what the text must be; leave one out",
                param: found[1].field
            )
        }
        return found.first
    }

    /// OpenAI's `response_format`, and llama.cpp's schema in one of type `json_object`.
    private static func responseFormat(_ fields: RequestFields) throws(APIError) -> RequestedConstraint? {
        guard let format = try fields.object("response_format") else { return nil }
        switch try format.string("type") {
        case nil, "text": return nil
        case "json_object":
            guard let schema = format.value("schema") else { return RequestedConstraint(.jsonObject, format.path) }
            let text = try text(of: schema, "schema", format)
            return RequestedConstraint(.jsonSchema(text), format.path(of: "schema"))
        case "json_schema":
            guard let outer = try format.object("json_schema") else { throw format.missing("json_schema", "an object") }
            // The model is held to the schema in either case, and its description is for models that are not.
            _ = (outer.value("strict"), outer.value("name"), outer.value("description"))
            guard let schema = outer.value("schema") else { throw outer.missing("schema", "a JSON schema") }
            let text = try text(of: schema, "schema", outer)
            return RequestedConstraint(.jsonSchema(text), outer.path(of: "schema"))
        default:
            let value = format.value("type") ?? .none
            throw format.mismatch("type", "\"text\", \"json_object\" or \"json_schema\"", value)
        }
    }

    /// vLLM's `structured_outputs`.
    private static func structuredOutputs(_ fields: RequestFields) throws(APIError) -> RequestedConstraint? {
        guard let outputs = try fields.object("structured_outputs") else { return nil }
        try UnsupportedField.refuse(UnsupportedField.structuredOutputs, in: outputs)
        var found: [RequestedConstraint] = []
        if let schema = outputs.value("json") {
            let text = try text(of: schema, "json", outputs)
            found.append(RequestedConstraint(.jsonSchema(text), outputs.path(of: "json")))
        }
        if try outputs.bool("json_object") == true {
            found.append(RequestedConstraint(.jsonObject, outputs.path(of: "json_object")))
        }
        if let pattern = try outputs.string("regex") {
            found.append(RequestedConstraint(.regex(pattern), outputs.path(of: "regex")))
        }
        if let choices = try outputs.array("choice", of: "strings") {
            var texts: [String] = []
            for (place, value) in choices.enumerated() {
                guard case .text(let text) = value else {
                    throw outputs.mismatch("choice[\(place)]", "a string", value)
                }
                texts.append(text.string)
            }
            found.append(RequestedConstraint(.choice(texts), outputs.path(of: "choice")))
        }
        if let grammar = try outputs.string("grammar") {
            found.append(RequestedConstraint(.gbnf(grammar), outputs.path(of: "grammar")))
        }
        guard found.count == 1 else {
            let reason = found.isEmpty ? "says nothing" : "may have one of these only"
            throw .invalidRequest(
                "structured_outputs \(reason); give it one of json, json_object, regex, choice and grammar",
                param: "structured_outputs"
            )
        }
        return found[0]
    }

    /// A schema as text. vLLM takes the text too.
    private static func text(
        of schema: TemplateValue,
        _ name: String,
        _ fields: RequestFields
    ) throws(APIError) -> String {
        switch schema {
        case .text(let text): return text.string
        case .mapping, .bool:
            guard let text = schema.json else { break }
            return text
        default: break
        }
        throw fields.mismatch(name, "a JSON schema", schema)
    }
}

/// What a client wants the text to be.
struct RequestedConstraint: Sendable, Hashable {
    var source: GrammarSource
    /// The field that asks for it.
    var field: String
    /// Schemas of other fields that it is made of.
    var parts: [RequestedConstraint] = []

    init(_ source: GrammarSource, _ field: String, parts: [RequestedConstraint] = []) {
        (self.source, self.field, self.parts) = (source, field, parts)
    }

    /// Whether it is OpenAI's `response_format`, which is about answers alone.
    var isResponseFormat: Bool { field == "response_format" || field.hasPrefix("response_format.") }

    /// 400: it cannot be used. Names the field of the part that is at fault, if it is a part's.
    ///
    /// - Parameter patience: how long to look for that part.
    func refusal(_ error: GrammarError, patience: Duration = .seconds(1)) -> APIError {
        guard !parts.isEmpty else { return APIError(error, field: field) }
        // The limit of a grammar may be passed in a part that is fine by itself.
        let owners = parts.filter { $0.holds(error.place) }
        if owners.count == 1 { return APIError(error, field: owners[0].field) }
        let end = ContinuousClock.now + patience
        for part in parts where ContinuousClock.now < end {
            do throws(GrammarError) {
                _ = try Grammar(part.source)
            } catch {
                return APIError(error, field: part.field)
            }
        }
        return .unsupportedConstraint("\(field): \(error)", param: field)
    }

    /// Whether its schema has this place, as in `$.properties.age`.
    private func holds(_ place: String) -> Bool {
        guard case .jsonSchema(let text) = source, place.hasPrefix("$.") || place.hasPrefix("$["),
            let schema = try? JSONReader.read(text)
        else { return false }
        return schema.holds(place.dropFirst())
    }
}

extension TemplateValue {
    /// Whether a path, as in `.items[0]["a b"]`, leads to something.
    fileprivate func holds(_ path: Substring) -> Bool {
        guard !path.isEmpty else { return true }
        switch self {
        case .mapping(let mapping):
            return mapping.entries.contains { entry in
                guard case .text(let name) = entry.key else { return false }
                return ["." + name.string, "[\"" + name.string + "\"]"].contains { step in
                    path.hasPrefix(step) && entry.value.holds(path.dropFirst(step.count))
                }
            }
        case .list(let items):
            return items.values.enumerated().contains { place, value in
                path.hasPrefix("[\(place)]") && value.holds(path.dropFirst("[\(place)]".count))
            }
        default: return false
        }
    }
}

extension APIError {
    /// 400: a grammar cannot be used.
    init(_ error: GrammarError, field: String) {
        let inside = error.place.hasPrefix("$") ? error.place.dropFirst() : ""
        let place = error.place.isEmpty || error.place == "$" ? field : "\(field) at \(error.place)"
        self = .unsupportedConstraint("\(place): \(error.reason)", param: field + inside)
    }

    fileprivate static func unsupportedConstraint(_ message: String, param: String) -> APIError {
        .invalidRequest(message, param: param, code: "unsupported_constraint")
    }
}
