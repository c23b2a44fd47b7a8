import Foundation
import Logging
import NIOCore
import PacelineServer
import Synchronization
import Testing

/// Endpoints as a transport sees them.
struct APICalls {
    let model: ServedModel
    let backend: any GenerationBackend

    enum Endpoint {
        case chat, completions, tokenize, detokenize, applyTemplate, inputTokens
    }

    private var generations: GenerationService {
        GenerationService(
            model: model,
            backend: backend,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    func reply(_ endpoint: Endpoint, _ body: String) async throws -> APIReply {
        try await reply(endpoint, bytes: Array(body.utf8))
    }

    func reply(_ endpoint: Endpoint, bytes: [UInt8]) async throws -> APIReply {
        let request = APIRequest(id: "test", body: ByteBuffer(bytes: bytes))
        return switch endpoint {
        case .chat: try await ChatService(generations).respond(to: request)
        case .completions: try await CompletionService(generations).respond(to: request)
        case .tokenize: try TokenService(model).tokenize(request)
        case .detokenize: try TokenService(model).detokenize(request)
        case .applyTemplate: try ChatService(generations).applyTemplate(request)
        case .inputTokens: try ChatService(generations).inputTokens(request)
        }
    }

    /// A whole answer.
    func whole(_ endpoint: Endpoint, _ body: String) async throws -> JSONObject {
        try JSONObject(whole: await reply(endpoint, body))
    }

    /// The data of a stream's events, without the one that ends it, which must be there.
    func events(_ endpoint: Endpoint, _ body: String) async throws -> [String] {
        guard case .events(_, let write) = try await reply(endpoint, body) else {
            throw WrongReply()
        }
        let sent = Mutex<[String]>([])
        try await write(EventWriter { bytes in sent.withLock { $0.append(String(buffer: bytes)) } })
        let events = sent.withLock { $0 }
        #expect(events.last == "data: [DONE]\n\n")
        return events.dropLast().filter { !$0.hasPrefix(":") }.map { String($0.dropFirst(6).dropLast(2)) }
    }

    /// The chunks of a stream.
    func chunks(_ endpoint: Endpoint, _ body: String) async throws -> [JSONObject] {
        try await events(endpoint, body).map { try JSONObject($0) }
    }
}

struct WrongReply: Error {}

/// A JSON value to look into: `answer["choices"][0]["text"].string`.
struct JSONObject {
    private let value: Any?

    init(_ text: String) throws {
        value = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    }

    init(whole reply: APIReply) throws {
        guard case .whole(let bytes, _, _, _) = reply else { throw WrongReply() }
        try self.init(String(decoding: bytes, as: UTF8.self))
    }

    private init(value: Any?) {
        self.value = value
    }

    subscript(name: String) -> JSONObject { JSONObject(value: (value as? [String: Any])?[name]) }

    subscript(place: Int) -> JSONObject {
        guard let items = value as? [Any], items.indices.contains(place) else { return JSONObject(value: nil) }
        return JSONObject(value: items[place])
    }

    var string: String? { value as? String }
    var int: Int? { (value as? NSNumber).map(\.intValue) }
    var double: Double? { (value as? NSNumber).map(\.doubleValue) }
    var items: [JSONObject] { ((value as? [Any]) ?? []).map { JSONObject(value: $0) } }
    var keys: [String] { ((value as? [String: Any]) ?? [:]).keys.sorted() }
    var ints: [Int] { items.compactMap(\.int) }
    /// Whether the value is there and null.
    var isNull: Bool { value is NSNull }
    var isAbsent: Bool { value == nil }
}
