import PacelineChat

/// The keywords of JSON Schema that mean something here.
enum SchemaKeywords {
    /// Say something about a schema and forbid nothing.
    static let annotations: Set<String> = [
        "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$schema",
        "$comment", "$defs", "definitions", "discriminator", "nullable",
    ]
    static let composition: Set<String> = ["$ref", "allOf", "anyOf", "oneOf"]
    static let any: Set<String> = ["type", "enum", "const"]
    static let string: Set<String> = ["minLength", "maxLength", "pattern", "format"]
    static let number: Set<String> = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]
    static let array: Set<String> = ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems"]
    static let object: Set<String> = [
        "properties", "required", "additionalProperties", "minProperties", "maxProperties", "propertyNames",
    ]

    static let supported = annotations.union(composition).union(any).union(string).union(number).union(array)
        .union(object)

    /// - Throws: ``GrammarError`` for the first keyword that is not supported.
    static func check(_ part: SchemaPart) throws(GrammarError) {
        for (name, keyword) in try part.members() where !supported.contains(name) && !name.hasPrefix("x-") {
            if name == "$id" || name == "$anchor", part.path == "$" { continue }
            throw keyword.error("the keyword \(name) is not supported; leave it out or say it in other words")
        }
        if part.keyword("nullable").map({ $0.value == .bool(true) }) ?? false {
            throw GrammarError("\(part.path).nullable", "the keyword nullable is not JSON Schema; add \"null\" to type")
        }
    }
}

/// The types of JSON values. Every integer is a number too.
enum JSONType: String, CaseIterable {
    case null, boolean, integer, number, string, array, object
}
