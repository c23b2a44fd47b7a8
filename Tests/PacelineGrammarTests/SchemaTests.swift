import PacelineGrammar
import Testing

@Suite("JSON schemas")
struct SchemaTests {
    struct Case: Sendable {
        let schema: String
        let valid: [String]
        let invalid: [String]

        init(_ schema: String, _ valid: [String], _ invalid: [String]) {
            (self.schema, self.valid, self.invalid) = (schema, valid, invalid)
        }
    }

    private static let cases: [Case] = [
        Case(##"{"type": "object", "properties": {}}"##, ["{}"], [##"{"a": 1}"##]),
        Case(##"{"type": "integer"}"##, ["0", "-1", "120"], ["01", "-0", "1.0", "1e3", "", " 1", "1 "]),
        Case(##"{"type": "number"}"##, ["0", "-0.5", "1e10", "1.25E-2"], ["1.", ".5", "+1", "1e", "1e100"]),
        Case(
            ##"{"type": "integer", "minimum": 5, "maximum": 112}"##,
            ["5", "9", "10", "99", "112"],
            ["4", "113", "200"]
        ),
        Case(##"{"type": "integer", "exclusiveMinimum": -12, "maximum": 3}"##, ["-11", "0", "3"], ["-12", "4", "-0"]),
        Case(
            ##"{"type": "number", "minimum": -1.5, "maximum": 0.25}"##,
            ["-1.5", "-1.49", "0", "0.25", "0.250", "0.1"],
            ["-1.51", "-2", "0.26", "0.251", "1"]
        ),
        Case(##"{"type": "number", "exclusiveMinimum": 0}"##, ["0.1", "1", "0.000001"], ["0", "0.0", "-1"]),
        Case(##"{"type": "integer", "multipleOf": 7, "minimum": 0}"##, ["0", "7", "49", "7000"], ["1", "48"]),
        Case(
            ##"{"type": "string", "minLength": 2, "maxLength": 3}"##,
            [##""ab""##, ##""日本語""##, ##""\n\u00e9""##, ##""a\ud83d\ude00""##],
            [##""a""##, ##""abcd""##, ##""a\ud83d""##, ##""a"##]
        ),
        Case(##"{"type": "string", "pattern": "^[a-c]+$"}"##, [##""abc""##], [##""""##, ##""abd""##, ##""\u0061""##]),
        Case(##"{"type": "string", "pattern": "b"}"##, [##""b""##, ##""abc""##, ##""\"b""##], [##""ac""##]),
        Case(
            ##"{"type": "string", "pattern": "^a.*z$", "maxLength": 4}"##,
            [##""az""##, ##""abcz""##],
            [##""abcdz""##, ##""a""##]
        ),
        Case(
            ##"{"type": "string", "format": "date"}"##,
            [##""2024-02-29""##, ##""1999-12-31""##],
            [##""2023-02-29""##, ##""2024-4-1""##]
        ),
        Case(
            ##"{"type": "string", "format": "uuid"}"##,
            [##""01234567-89ab-cdef-0123-456789abcdef""##],
            [##""0123""##]
        ),
        Case(
            ##"{"enum": ["a", 1, null, {"x": [1, 2]}]}"##,
            [##""a""##, "1", "null", ##"{"x": [1, 2]}"##],
            ["2", ##""b""##]
        ),
        Case(##"{"type": "string", "enum": ["a", 1]}"##, [##""a""##], ["1"]),
        Case(##"{"const": "a\"b"}"##, [##""a\"b""##], [##""a""##]),
        Case(##"{"type": ["string", "null"]}"##, ["null", ##""""##], ["1"]),
        Case(##"{"anyOf": [{"type": "integer"}, {"type": "boolean"}]}"##, ["1", "true"], ["null"]),
        Case(##"{"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 4}]}"##, ["3", "4"], ["2", "5"]),
        Case(
            ##"{"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2}"##,
            ["[1]", "[1, 2]", "[ 1,\n  2 ]"],
            ["[]", "[1,2,3]", "[1,]", "[\"a\"]"]
        ),
        Case(
            ##"{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": false}"##,
            ["[]", "[1]", ##"[1,"a"]"##],
            [##"["a"]"##, ##"[1,"a",2]"##]
        ),
        Case(
            ##"{"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "null"}, "minItems": 2}"##,
            ["[1,null]", "[1,null,null]"],
            ["[1]", "[1,2]"]
        ),
        Case(
            ##"{"properties": {"a": {"type": "integer"}, "b": {"type": "null"}}, "required": ["b"]}"##,
            [##"{"b":null}"##, ##"{"a": 1, "b": null}"##, "{\n  \"a\": 1,\n  \"b\": null\n}"],
            ["{}", ##"{"a":1}"##, ##"{"b":null,"a":1}"##, ##"{"b":null,"c":1}"##]
        ),
        Case(
            ##"{"type": "object", "properties": {"a": true}, "additionalProperties": {"type": "integer"}}"##,
            ["{}", ##"{"a":"x"}"##, ##"{"a":1,"b":2,"ab":3}"##, ##"{"b":2}"##],
            [##"{"b":"x"}"##, ##"{"b":2,"a":"x"}"##]
        ),
        Case(
            ##"{"type": "object", "properties": {"a": false, "b": true}, "additionalProperties": true}"##,
            [##"{"b":1}"##, ##"{"c":1}"##, "{}"],
            [##"{"a":1}"##]
        ),
        Case(##"{"type": "object", "maxProperties": 1}"##, ["{}", ##"{"x":1}"##], [##"{"x":1,"y":2}"##]),
        Case(
            ##"{"type": "object", "propertyNames": {"pattern": "^x"}, "additionalProperties": {"type": "null"}}"##,
            [##"{"xy":null}"##],
            [##"{"y":null}"##]
        ),
        Case(
            ##"{"$defs": {"t": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/t"}, "##
                + ##"{"type": "null"}]}}, "required": ["next"]}}, "$ref": "#/$defs/t"}"##,
            [##"{"next":null}"##, ##"{"next": {"next": null}}"##],
            ["null", "{}"]
        ),
        Case(
            ##"{"oneOf": [{"type": "object", "properties": {"k": {"const": "a"}}, "required": ["k"]}, "##
                + ##"{"type": "object", "properties": {"k": {"const": "b"}, "v": {"type": "integer"}}, "##
                + ##""required": ["k", "v"]}]}"##,
            [##"{"k":"a"}"##, ##"{"k":"b","v":1}"##],
            [##"{"k":"b"}"##]
        ),
        Case(
            ##"{"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "null"}}, "required": ["a"]}"##,
            [##"{"a":null}"##],
            ["{}"]
        ),
        Case("true", ["1", "[{}]", ##"{"a":[null,true]}"##], ["", "[1"]),
    ]

    @Test("allow what they describe and nothing else", arguments: cases)
    func texts(_ example: Case) throws {
        let grammar = try Grammar(.jsonSchema(example.schema))
        for text in example.valid { #expect(accepts(grammar, text), "\(example.schema) refuses \(text)") }
        for text in example.invalid { #expect(!accepts(grammar, text), "\(example.schema) accepts \(text)") }
    }

    @Test(
        "that are not supported are refused with the place",
        arguments: [
            (##"{"type": "object", "properties": {"a b": {"not": {}}}}"##, "$.properties[\"a b\"].not"),
            (##"{"type": "array", "items": {"type": "strin"}}"##, "$.items.type"),
            (##"{"type": "array", "uniqueItems": true}"##, "$.uniqueItems"),
            (##"{"anyOf": [{"type": "null"}, {"type": "string", "pattern": "(?=a)"}]}"##, "$.anyOf[1].pattern"),
            (##"{"type": "string", "pattern": "a^b"}"##, "$.pattern"),
            (##"{"type": "string", "format": "regex"}"##, "$.format"),
            (##"{"$ref": "#/$defs/x"}"##, "$.$ref"),
            (##"{"$ref": "http://example.com/x"}"##, "$.$ref"),
            (##"{"properties": {"a": {"$id": "x", "type": "null"}}}"##, "$.properties.a.$id"),
            (##"{"oneOf": [{"type": "integer"}, {"type": "number"}]}"##, "$.oneOf"),
            (##"{"type": "object", "minProperties": 1}"##, "$"),
            (##"{"type": "string", "minLength": -1}"##, "$.minLength"),
            (##"{"type": "string", "minLength": "1"}"##, "$.minLength"),
            (##"{"type": "number", "multipleOf": 0.1}"##, "$.multipleOf"),
            (##"{"type": "string", "pattern": "x{900}", "minLength": 5000}"##, "$.pattern"),
            (##"{"enum": []}"##, "$.enum"),
            (##"{"properties": [1]}"##, "$.properties"),
            (##"{"properties": {"a": 1}}"##, "$.properties.a"),
            (##"{"patternProperties": {"a": {}}}"##, "$.patternProperties"),
            ("[1]", "$"),
            ("{", "$"),
        ]
    )
    func unsupported(schema: String, place: String) {
        let error = #expect(throws: GrammarError.self) { try Grammar(.jsonSchema(schema)) }
        #expect(error?.place == place)
        #expect(error?.reason.isEmpty == false)
    }

    @Test(
        "that nothing satisfies are refused, with the place of what contradicts itself",
        arguments: [
            ("false", ""), (##"{"type": "integer", "minimum": 3, "maximum": 2}"##, "$"),
            (##"{"allOf": [{"type": "integer"}, {"type": "string"}]}"##, "$.allOf[0]"),
            (##"{"type": "string", "minLength": 3, "maxLength": 2}"##, "$"),
            (##"{"properties": {"a": {"$ref": "#"}}, "required": ["a"]}"##, "$"),
            (##"{"type": "string", "enum": [1]}"##, "$"),
            (##"{"properties": {"a": false}, "required": ["a"]}"##, "$"),
            (##"{"additionalProperties": false, "required": ["a"]}"##, "$"),
            (##"{"type": "array", "minItems": 3, "maxItems": 2}"##, "$"),
            (##"{"type": "string", "pattern": "^a$", "minLength": 2}"##, "$"),
            (##"{"allOf": [{"$ref": "#"}, {"type": "string", "enum": [2]}]}"##, "$"),
            (
                ##"{"properties": {"a": {"type": "array", "minItems": 1, "items": {"minimum": 5, "maximum": 3, "##
                    + ##""type": "integer"}}}, "required": ["a"]}"##,
                "$.properties.a.items"
            ),
            (
                ##"{"properties": {"a": {"$ref": "#/$defs/x"}}, "required": ["a"], "$defs": {"x": {"properties": "##
                    + ##"{"b": {"$ref": "#/$defs/x"}}, "required": ["b"]}}}"##,
                "$.$defs.x"
            ),
            (##"{"anyOf": [{"type": "string", "enum": [1]}, {"type": "null", "enum": [2]}]}"##, "$.anyOf[0]"),
        ]
    )
    func contradictions(schema: String, place: String) {
        let error = #expect(throws: GrammarError.self) { try Grammar(.jsonSchema(schema)) }
        #expect(error?.place == place, "\(schema)")
        #expect(error?.reason.contains("contradicts itself") == true || schema.contains("#"), "\(schema)")
    }
}
