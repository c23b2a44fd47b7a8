import NIOCore
import NIOHTTP1
import PacelineCluster

/// Reads a streamed completion from the bytes of an answer's body.
struct AnswerParser {
    private let address: Endpoint
    private var events = EventStream.Parser()
    /// Whether the answer has ended properly.
    private(set) var isComplete = false

    init(address: Endpoint) {
        self.address = address
    }

    /// Takes the next part and returns the chunks that it completes.
    mutating func take(_ part: ByteBuffer) throws -> [Completion] {
        try events.append(part.readableBytesView).compactMap { try chunk($0) }
    }

    private mutating func chunk(_ data: [UInt8]) throws -> Completion? {
        guard data != EventStream.done else {
            isComplete = true
            return nil
        }
        let buffer = ByteBuffer(bytes: data)
        do {
            return try JSON.decode(Completion.self, from: buffer)
        } catch {
            if let body = try? JSON.decode(ErrorBody.self, from: buffer) {
                throw ServerClientError.failed(message: body.error.message)
            }
            throw ServerClientError.malformed(address, reason: "a part of its answer is no completion")
        }
    }

    /// What an answer with another status says.
    static func refusal(
        _ status: HTTPResponseStatus,
        _ body: ByteBuffer,
        from address: Endpoint
    ) -> ServerClientError {
        guard let body = try? JSON.decode(ErrorBody.self, from: body) else {
            return .malformed(address, reason: "status \(status.code)")
        }
        return .refused(status: Int(status.code), message: body.error.message)
    }
}
