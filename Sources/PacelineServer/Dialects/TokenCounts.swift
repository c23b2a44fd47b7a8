import HTTPTypes
import NIOCore
import PacelineChat

/// Asks how many tokens a request of another API has, and writes the number as that API does.
struct TokenCountRequest: Sendable {
    enum API {
        case responses, messages
    }

    private let api: API
    private let chat: ChatDraft
    private let names: FieldNames

    init(_ request: APIRequest, _ api: API) throws(APIError) {
        self.api = api
        switch api {
        case .responses: (chat, names) = (try ResponsesRequest(request, counts: true).chat, .responses)
        case .messages:
            let messages = try MessagesRequest(request, counts: true)
            (chat, names) = (messages.chat, messages.names)
        }
    }

    /// - Parameter counting: answers how many tokens a conversation of chat takes.
    func answer(_ request: APIRequest, by counting: Route.Handler) async throws -> APIReply {
        let path = "/v1/chat/completions/input_tokens"
        let reply: APIReply
        do {
            reply = try await counting(request.asking(path, ByteBuffer(bytes: chat.json.bytes)))
        } catch let error as APIError {
            throw error.renamed(names)
        }
        guard api == .messages, case .whole(let bytes, let contentType, let status, let headers) = reply else {
            return reply
        }
        return .whole(try translated(bytes, status).bytes, contentType: contentType, status: status, headers: headers)
    }

    private func translated(_ bytes: [UInt8], _ status: HTTPResponse.Status) throws -> JSONValue {
        guard status == .ok else {
            return MessagesError.body(
                try JSON.decode(ErrorBody.self, from: ByteBuffer(bytes: bytes)).error,
                status: status
            )
        }
        guard case .mapping(let answer)? = try? JSONReader.read(String(decoding: bytes, as: UTF8.self)),
            let count = answer["input_tokens"]?.wholeNumber
        else { throw APIError.internalError("the count of tokens is none; try again") }
        return ["input_tokens": .int(count)]
    }
}
