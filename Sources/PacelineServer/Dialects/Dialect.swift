import HTTPTypes
import NIOCore
import PacelineChat
import Synchronization

/// Another API in which clients ask for chat: requests become requests for chat, and answers of chat become its own.
///
/// Nothing here knows what answers the chat, so a verifier and a gateway do the same, and a stream that a gateway goes
/// on with is translated as one.
protocol DialectAnswer: Sendable {
    /// Where the chat is asked for.
    static var path: String { get }

    /// The request for chat.
    var body: JSONValue { get }

    /// A whole answer.
    func whole(_ answer: ChatChunk) -> JSONValue

    /// The events of a stream, for a chunk of the chat's.
    mutating func take(_ chunk: ChatChunk) -> [NamedEvent]

    /// The events behind the last chunk.
    mutating func finish() -> [NamedEvent]

    /// The events that tell of a failure in the middle of the stream.
    mutating func fail(_ error: ErrorBody.Detail) -> [NamedEvent]

    /// What stands for a comment, which tells that the connection lives.
    var ping: ByteBuffer { get }

    /// The body that tells of an error.
    static func error(_ error: ErrorBody.Detail, status: HTTPResponse.Status) -> JSONValue

    /// What the API calls a field of chat.
    var names: FieldNames { get }
}

extension DialectAnswer {
    static var path: String { "/v1/chat/completions" }

    /// Has the request answered in chat, and translates the answer.
    ///
    /// - Parameter chat: answers requests for chat.
    /// - Throws: ``APIError`` before anything is sent.
    func answer(_ request: APIRequest, by chat: Route.Handler) async throws -> APIReply {
        let reply: APIReply
        do {
            reply = try await chat(request.asking(Self.path, ByteBuffer(bytes: body.bytes)))
        } catch let error as APIError {
            throw error.renamed(names)
        }
        switch reply {
        case .whole(let bytes, let contentType, let status, let headers):
            let translated = try value(bytes, status)
            return .whole(translated?.bytes ?? bytes, contentType: contentType, status: status, headers: headers)
        case .events(let headers, let write):
            let translator = EventTranslator(self)
            return .events(headers: headers) { try await write($0.translating { translator.take($0) }) }
        }
    }

    private func value(_ bytes: [UInt8], _ status: HTTPResponse.Status) throws -> JSONValue? {
        if status == .ok {
            guard let chunk = ChatChunk(bytes) else {
                throw APIError.internalError("the answer in chat is none; try again")
            }
            return whole(chunk)
        }
        guard let detail = try? JSON.decode(ErrorBody.self, from: ByteBuffer(bytes: bytes)).error else { return nil }
        var fault = APIError(status: status, message: detail.message, type: detail.type)
        (fault.param, fault.code) = (detail.param, detail.code)
        return Self.error(ErrorBody(fault.renamed(names)).error, status: status)
    }
}

/// An event with a name.
struct NamedEvent: Sendable {
    let name: String
    let data: JSONValue

    /// `event:` and `data:`, with the empty line.
    var bytes: ByteBuffer {
        var buffer = ByteBuffer(string: "event: \(name)\n")
        buffer.writeImmutableBuffer(EventStream.event(data.bytes))
        return buffer
    }
}

/// Translates a stream, one piece at a time.
private final class EventTranslator: Sendable {
    private struct State {
        var answer: any DialectAnswer
        var parser = EventStream.Parser()
        var hasEnded = false
    }

    private let state: Mutex<State>

    init(_ answer: some DialectAnswer) {
        state = Mutex(State(answer: answer))
    }

    /// What a piece of the chat's stream becomes. A piece holds whole events or comments.
    func take(_ piece: ByteBuffer) -> ByteBuffer {
        state.withLock { state in
            if piece == EventStream.comment { return state.answer.ping }
            var events: [NamedEvent] = []
            do throws(EventStream.TooLong) {
                for event in try state.parser.append(piece.readableBytesView) { events += Self.take(event, &state) }
            } catch {
                if !state.hasEnded { events += state.answer.fail(ErrorBody(.internalError("\(error)")).error) }
                state.hasEnded = true
            }
            return events.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1.bytes) }
        }
    }

    private static func take(_ event: [UInt8], _ state: inout State) -> [NamedEvent] {
        guard !state.hasEnded else { return [] }
        if event == EventStream.done {
            state.hasEnded = true
            return state.answer.finish()
        }
        if let chunk = ChatChunk(event) { return state.answer.take(chunk) }
        state.hasEnded = true
        let error = try? JSON.decode(ErrorBody.self, from: ByteBuffer(bytes: event)).error
        return state.answer.fail(error ?? ErrorBody(.internalError("the stream broke off; try again")).error)
    }
}

extension APIRequest {
    /// The same client's request for something else.
    func asking(_ path: String, _ body: ByteBuffer) -> APIRequest {
        APIRequest(
            id: id,
            tenant: tenant,
            trace: trace,
            method: method,
            path: path,
            headers: headers,
            body: body,
            tally: tally
        )
    }
}
