import PacelineSpeculation

/// Random JSON schemas of what is supported, as JSON.
struct RandomSchema {
    private var random: SplitMix
    private var names = ["a", "b", "c d", "é", "name", "x\\\"y"]

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
    }

    private mutating func one(of texts: [String]) -> String { texts[random.next(below: texts.count)] }
    private mutating func chance(_ percent: Int) -> Bool { random.next(below: 100) < percent }

    /// A document; some have a recursive definition.
    mutating func document() -> String {
        guard chance(30) else { return schema(depth: 3) }
        let tree = """
            {"type": "object", "properties": {"v": \(schema(depth: 1)), "next": {"anyOf": [{"type": "null"}, \
            {"$ref": "#/$defs/tree"}]}}, "required": ["next"]}
            """
        return "{\"$defs\": {\"tree\": \(tree)}, \"$ref\": \"#/$defs/tree\"}"
    }

    private mutating func schema(depth: Int) -> String {
        switch random.next(below: depth == 0 ? 6 : 11) {
        case 0: return one(of: ["{\"type\": \"null\"}", "{\"type\": \"boolean\"}", "true", "{}"])
        case 1: return number()
        case 2, 3: return string()
        case 4:
            return one(of: [
                "{\"enum\": [1, \"é\\n\", null, [1, {\"a\": 2}]]}", "{\"const\": \"x\\\"y\"}", "{\"const\": -0.5}",
            ])
        case 5: return "{\"type\": [\"integer\", \"string\", \"null\"], \"maxLength\": 4, \"minimum\": -3}"
        case 6: return "{\"anyOf\": [\(schema(depth: depth - 1)), \(schema(depth: depth - 1))]}"
        case 7, 8: return array(depth: depth)
        default: return object(depth: depth)
        }
    }

    private mutating func number() -> String {
        let isInteger = chance(60)
        var fields = ["\"type\": \"\(isInteger ? "integer" : "number")\""]
        let low = random.next(below: 2000) - 1000
        let scale = isInteger ? "" : one(of: ["", ".5", ".25"])
        if chance(40) { fields.append("\"\(one(of: ["minimum", "exclusiveMinimum"]))\": \(low)\(scale)") }
        if chance(40) {
            let high = low + 5 + random.next(below: 1000)
            fields.append("\"\(one(of: ["maximum", "exclusiveMaximum"]))\": \(high)\(scale)")
        }
        if isInteger, chance(20) { fields.append("\"multipleOf\": \(one(of: ["2", "3", "5"]))") }
        return "{\(fields.joined(separator: ", "))}"
    }

    private mutating func string() -> String {
        var fields = ["\"type\": \"string\""]
        switch random.next(below: 4) {
        case 0: break
        case 1:
            let low = random.next(below: 4)
            if chance(50) { fields.append("\"minLength\": \(low)") }
            fields.append("\"maxLength\": \(low + random.next(below: 6))")
        case 2:
            let patterns = [
                "^[a-z]+$", "^\\\\d{2,4}-\\\\w+$", "b", "^(a|bc)*$", "\\\\s", "^[^x]{1,5}$", "^\\\\S+\\\\W$",
                "^.\\\\D$",
                "\\\\u00e9|\\\"", "^a|b$",
            ]
            fields.append("\"pattern\": \"\(one(of: patterns))\"")
            if chance(40) { fields.append("\"maxLength\": 12") }
        default:
            let formats = ["date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"]
            fields.append("\"format\": \"\(one(of: formats))\"")
        }
        return "{\(fields.joined(separator: ", "))}"
    }

    private mutating func array(depth: Int) -> String {
        var fields = ["\"type\": \"array\""]
        let least = random.next(below: 3)
        if chance(30) {
            fields.append("\"prefixItems\": [\(schema(depth: depth - 1)), \(schema(depth: 0))]")
            fields.append("\"items\": \(one(of: ["false", "true", "{\"type\": \"integer\"}"]))")
            if chance(50) { fields.append("\"minItems\": \(min(least, 2))") }
        } else {
            fields.append("\"items\": \(schema(depth: depth - 1))")
            if chance(50) { fields.append("\"minItems\": \(least)") }
            if chance(50) { fields.append("\"maxItems\": \(least + random.next(below: 3))") }
        }
        return "{\(fields.joined(separator: ", "))}"
    }

    private mutating func object(depth: Int) -> String {
        var fields = ["\"type\": \"object\""]
        let chosen = names.filter { _ in chance(45) }
        fields.append(
            "\"properties\": {\(chosen.map { "\"\($0)\": \(schema(depth: depth - 1))" }.joined(separator: ", "))}"
        )
        let required = chosen.filter { _ in chance(50) }
        if chance(80) { fields.append("\"required\": [\(required.map { "\"\($0)\"" }.joined(separator: ", "))]") }
        switch random.next(below: 4) {
        case 0: fields.append("\"additionalProperties\": false")
        case 1: fields.append("\"additionalProperties\": \(schema(depth: 0))")
        case 2: fields.append("\"additionalProperties\": true, \"maxProperties\": \(chosen.count + 1)")
        default: break
        }
        if chance(20) { fields.append("\"allOf\": [{\"properties\": {\"a\": \(schema(depth: 0))}}]") }
        return "{\(fields.joined(separator: ", "))}"
    }
}
