import PacelineChat

/// What several schemas that must hold together say, keyword by keyword.
struct SchemaFacts {
    private(set) var types = Set(JSONType.allCases)
    /// The only values allowed; nil for all.
    private(set) var values: [TemplateValue]?
    var lengths = CountRange()
    var itemCounts = CountRange()
    var propertyCounts = CountRange()
    private(set) var patterns: [SchemaPart] = []
    private(set) var formats: [SchemaPart] = []
    private(set) var range = NumberRange()
    private(set) var factors: [SchemaPart] = []
    private(set) var required: [String] = []
    let parts: [SchemaPart]

    /// How many there may be.
    struct CountRange: Hashable {
        var minimum: Int32 = 0
        var maximum: Int32?

        var isAll: Bool { minimum == 0 && maximum == nil }

        fileprivate mutating func narrow(_ part: SchemaPart, _ least: String, _ most: String) throws(GrammarError) {
            if let least = part.keyword(least) { minimum = max(minimum, try least.count()) }
            if let most = part.keyword(most) { maximum = min(maximum ?? .max, try most.count()) }
        }

        func contains(_ count: Int) -> Bool {
            count >= Int(minimum) && count <= maximum.map(Int.init) ?? .max
        }
    }

    /// - Parameter parts: objects without composition.
    init(_ parts: [SchemaPart]) throws(GrammarError) {
        self.parts = parts
        for part in parts {
            try takeType(of: part)
            try takeValues(of: part)
            try lengths.narrow(part, "minLength", "maxLength")
            try itemCounts.narrow(part, "minItems", "maxItems")
            try propertyCounts.narrow(part, "minProperties", "maxProperties")
            try takeBounds(of: part)
            if let pattern = part.keyword("pattern") { patterns.append(pattern) }
            if let format = part.keyword("format") { formats.append(format) }
            if let factor = part.keyword("multipleOf") { factors.append(factor) }
            for name in try part.keyword("required")?.names() ?? [] where !required.contains(name) {
                required.append(name)
            }
        }
    }

    private mutating func takeType(of part: SchemaPart) throws(GrammarError) {
        guard let keyword = part.keyword("type") else {
            types.formIntersection(Self.implied(by: part))
            return
        }
        var allowed: Set<JSONType> = []
        for entry in keyword.items ?? [keyword] {
            guard let type = JSONType(rawValue: try entry.string()) else {
                throw entry.error("there is no type of this name in JSON")
            }
            allowed.insert(type)
            if type == .number { allowed.insert(.integer) }
        }
        types.formIntersection(allowed)
    }

    /// A schema that speaks of one type alone means that type, though it does not say so.
    private static func implied(by part: SchemaPart) -> Set<JSONType> {
        func speaks(of keywords: Set<String>) -> Bool { keywords.contains { part.keyword($0) != nil } }
        if part.keyword("enum") != nil || part.keyword("const") != nil { return Set(JSONType.allCases) }
        var implied: Set<JSONType> = []
        if speaks(of: SchemaKeywords.string) { implied.insert(.string) }
        if speaks(of: SchemaKeywords.number) { implied.formUnion([.number, .integer]) }
        if speaks(of: SchemaKeywords.array) { implied.insert(.array) }
        if speaks(of: SchemaKeywords.object) { implied.insert(.object) }
        return implied.isEmpty ? Set(JSONType.allCases) : implied
    }

    private mutating func takeValues(of part: SchemaPart) throws(GrammarError) {
        if let constant = part.keyword("const") { keep([constant.value]) }
        if let list = part.keyword("enum") { keep(try list.list().map(\.value)) }
    }

    private mutating func keep(_ allowed: [TemplateValue]) {
        guard let values else { return self.values = allowed }
        let spellings = Set(allowed.map(\.json))
        self.values = values.filter { spellings.contains($0.json) }
    }

    private mutating func takeBounds(of part: SchemaPart) throws(GrammarError) {
        // Draft 4 has true and false for what are numbers today.
        for name in ["exclusiveMinimum", "exclusiveMaximum"] {
            guard let keyword = part.keyword(name), case .bool = keyword.value else { continue }
            throw keyword.error("it must be a number, as in JSON Schema since draft 6")
        }
        if let bound = try part.keyword("minimum")?.decimal() { range.raise(.init(value: bound, isStrict: false)) }
        if let bound = try part.keyword("maximum")?.decimal() { range.lower(.init(value: bound, isStrict: false)) }
        if let bound = try part.keyword("exclusiveMinimum")?.decimal() {
            range.raise(.init(value: bound, isStrict: true))
        }
        if let bound = try part.keyword("exclusiveMaximum")?.decimal() {
            range.lower(.init(value: bound, isStrict: true))
        }
    }

    func allows(_ type: JSONType) -> Bool { types.contains(type) }
}
