import PacelineChat

/// How a source travels to draft workers: each part is a JSON object with one member, whose name is the kind.
///
/// `{"json_object": true}`, `{"json_schema": text}`, `{"regex": text}`, `{"gbnf": text}`, `{"choice": [text, …]}`,
/// `{"text": text}`, `{"sequence": [part, …]}`, `{"alternatives": [part, …]}`, and
/// `{"repetition": {"part": part, "minimum": number, "maximum": number or null}}`.
extension GrammarSource {
    /// The source as JSON; ``init(json:)`` makes the same of it.
    package var json: String { value.json ?? "" }

    private var value: TemplateValue {
        switch self {
        case .jsonObject: Self.part("json_object", .bool(true))
        case .jsonSchema(let text): Self.part("json_schema", .text(ChatText(text)))
        case .regex(let text): Self.part("regex", .text(ChatText(text)))
        case .gbnf(let text): Self.part("gbnf", .text(ChatText(text)))
        case .choice(let texts): Self.part("choice", .list(TemplateItems(texts.map { .text(ChatText($0)) })))
        case .text(let text): Self.part("text", .text(ChatText(text)))
        case .sequence(let parts): Self.part("sequence", .list(TemplateItems(parts.map(\.value))))
        case .alternatives(let parts): Self.part("alternatives", .list(TemplateItems(parts.map(\.value))))
        case .repetition(let part, let minimum, let maximum):
            Self.part("repetition", Self.repetition(part.value, minimum, maximum))
        }
    }

    private static func part(_ kind: String, _ content: TemplateValue) -> TemplateValue {
        var mapping = TemplateMapping()
        mapping.set(kind, content)
        return .mapping(mapping)
    }

    private static func repetition(_ part: TemplateValue, _ minimum: Int, _ maximum: Int?) -> TemplateValue {
        var mapping = TemplateMapping()
        mapping.set("part", part)
        mapping.set("minimum", .int(minimum))
        mapping.set("maximum", maximum.map { .int($0) } ?? .none)
        return .mapping(mapping)
    }

    /// Reads a source. The text may come from anywhere.
    ///
    /// - Throws: ``GrammarError`` if it is no JSON of this form, or of a kind that this build does not know.
    package init(json: String) throws(GrammarError) {
        let value: TemplateValue
        do throws(JSONReader.Failure) {
            // A part is an object, and what it has parts in is another level.
            value = try JSONReader.read(json, isMessage: false, depthLimit: 2 * (Self.depthLimit + 1))
        } catch {
            throw GrammarError("$", "the grammar is not valid JSON: \(error)")
        }
        try self.init(value, place: "$", depth: 0)
    }

    private init(_ value: TemplateValue, place: String, depth: Int) throws(GrammarError) {
        guard depth <= Self.depthLimit else {
            throw GrammarError(place, "its parts are nested deeper than \(Self.depthLimit)")
        }
        guard case .mapping(let mapping) = value, mapping.count == 1, case .text(let kind) = mapping.entries[0].key
        else {
            throw GrammarError(place, "a part must be an object with one member")
        }
        let (content, inside) = (mapping.entries[0].value, "\(place).\(kind.string)")
        switch kind.string {
        case "json_object":
            guard content == .bool(true) else { throw GrammarError(inside, "it must be true") }
            self = .jsonObject
        case "json_schema": self = .jsonSchema(try Self.text(content, inside))
        case "regex": self = .regex(try Self.text(content, inside))
        case "gbnf": self = .gbnf(try Self.text(content, inside))
        case "choice": self = .choice(try Self.list(content, inside, Self.text))
        case "text": self = .text(try Self.text(content, inside))
        case "sequence": self = .sequence(try Self.parts(content, inside, depth: depth))
        case "alternatives": self = .alternatives(try Self.parts(content, inside, depth: depth))
        case "repetition": self = try Self.repetition(content, inside, depth: depth)
        default: throw GrammarError(inside, "this kind of part is not known here")
        }
    }

    private static func text(_ value: TemplateValue, _ place: String) throws(GrammarError) -> String {
        guard case .text(let text) = value else { throw GrammarError(place, "it must be a string") }
        return text.string
    }

    private static func list<Item>(
        _ value: TemplateValue,
        _ place: String,
        _ read: (TemplateValue, String) throws(GrammarError) -> Item
    ) throws(GrammarError) -> [Item] {
        guard case .list(let items) = value else { throw GrammarError(place, "it must be an array") }
        var all: [Item] = []
        for (index, item) in items.values.enumerated() { all.append(try read(item, "\(place)[\(index)]")) }
        return all
    }

    private static func parts(
        _ value: TemplateValue,
        _ place: String,
        depth: Int
    ) throws(GrammarError) -> [GrammarSource] {
        try list(value, place) { value, place throws(GrammarError) in
            try GrammarSource(value, place: place, depth: depth + 1)
        }
    }

    private static func repetition(
        _ value: TemplateValue,
        _ place: String,
        depth: Int
    ) throws(GrammarError) -> GrammarSource {
        guard case .mapping(let mapping) = value, let part = mapping["part"],
            case .int(let minimum)? = mapping["minimum"], let last = mapping["maximum"]
        else { throw GrammarError(place, "it must be an object with part, minimum and maximum") }
        let source = try GrammarSource(part, place: "\(place).part", depth: depth + 1)
        switch last {
        case .none: return .repetition(source, minimum: minimum, maximum: nil)
        case .int(let maximum): return .repetition(source, minimum: minimum, maximum: maximum)
        default: throw GrammarError("\(place).maximum", "it must be a number or null")
        }
    }
}
