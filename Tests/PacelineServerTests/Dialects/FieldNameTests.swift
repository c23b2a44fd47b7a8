import HTTPTypes
import NIOCore
import Testing

@testable import PacelineServer

/// Errors about what other APIs ask for, in the names of their fields.
@Suite("Names of fields in other APIs")
struct FieldNameTests {
    struct Case: Sendable, CustomStringConvertible {
        let path: String
        let fields: String
        let param: String
        let message: String
        var description: String { "\(path): \(fields)" }
    }

    private static let bad = #"{"properties": {"a": {"not": {}}}}"#
    private static let format = #"{"type": "json_schema", "name": "x", "schema": \#(bad)}"#

    static let responses = [
        Case(
            path: "/v1/responses",
            fields: #""text": {"format": \#(format)}"#,
            param: "text.format.schema.properties.a.not",
            message: "text.format.schema at $.properties.a.not: "
        ),
        Case(
            path: "/v1/responses",
            fields: #""text": {"format": {"type": "json_schema", "name": "x"}}"#,
            param: "text.format.schema",
            message: "text.format.schema is missing"
        ),
        Case(
            path: "/v1/responses",
            fields: #""text": {"format": {"type": "xml"}}"#,
            param: "text.format.type",
            message: "text.format.type must be"
        ),
        Case(
            path: "/v1/responses",
            fields: #""tool_choice": "required", "tools": [{"type": "function", "name": "f", "parameters": \#(bad)}]"#,
            param: "tools[0].parameters.properties.a.not",
            message: "tools[0].parameters at $.properties.a.not: "
        ),
        Case(
            path: "/v1/responses",
            fields: #""tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "g", "strict": 1}]"#,
            param: "tools[1].strict",
            message: "tools[1].strict must be"
        ),
    ]

    static let messages = [
        Case(
            path: "/v1/messages",
            fields: #""output_format": \#(format)"#,
            param: "output_format.schema.properties.a.not",
            message: "output_format.schema at $.properties.a.not: "
        ),
        Case(
            path: "/v1/messages",
            fields: #""output_config": {"format": \#(format)}"#,
            param: "output_config.format.schema.properties.a.not",
            message: "output_config.format.schema at $.properties.a.not: "
        ),
        Case(
            path: "/v1/messages",
            fields: #""tool_choice": {"type": "any"}, "tools": [{"name": "f", "input_schema": \#(bad)}]"#,
            param: "tools[0].input_schema.properties.a.not",
            message: "tools[0].input_schema at $.properties.a.not: "
        ),
        Case(
            path: "/v1/messages",
            fields: #""stop_sequences": ["a", 1]"#,
            param: "stop_sequences[1]",
            message: "stop_sequences[1] must be"
        ),
    ]

    @Test("are the client's own in params and messages", arguments: responses + messages)
    func names(row: Case) async throws {
        let start = row.path.hasSuffix("responses") ? #""input": "q""# : MessagesTests.user
        let error = await #expect(throws: APIError.self) {
            _ = try await CallingModel.calls("").dialect(row.path, "{\(start), \(row.fields)}")
        }
        let found = try #require(error)
        #expect(found.status == .badRequest && found.param == row.param)
        #expect(found.message.hasPrefix(row.message), "\(found.message)")
    }

    @Test("come once in Anthropic's errors, which have none beside the message", arguments: messages)
    func once(row: Case) async throws {
        let error = await #expect(throws: APIError.self) {
            _ = try await CallingModel.calls("").dialect(row.path, "{\(MessagesTests.user), \(row.fields)}")
        }
        let found = try #require(error)
        let body = MessagesError.body(ErrorBody(found).error, status: found.status)
        let message = try JSONObject(String(decoding: body.bytes, as: UTF8.self))["error"]["message"].string
        #expect(message == found.message)
    }
}
