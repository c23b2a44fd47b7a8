import NIOCore
import NIOHTTP1
import PacelineCluster

/// Reads a streamed completion from the parts of an HTTP answer.
struct AnswerParser {
    /// The most bytes of an error's body that are read.
    private static let errorLimit = 1 << 20

    private let address: Endpoint
    private var status = HTTPResponseStatus.ok
    private var errorBody = ByteBuffer()
    private var events = EventStream.Parser()
    /// Whether the answer has ended properly.
    private(set) var isComplete = false

    init(address: Endpoint) {
        self.address = address
    }

    /// Takes the next part and returns the chunks that it completes.
    mutating func take(_ part: HTTPClientResponsePart) throws -> [Completion] {
        switch part {
        case .head(let head):
            status = head.status
            return []
        case .body(var bytes):
            guard status == .ok else {
                guard errorBody.readableBytes + bytes.readableBytes <= Self.errorLimit else {
                    throw GatewayClientError.malformed(address, reason: "an error of more than 1 MiB")
                }
                errorBody.writeBuffer(&bytes)
                return []
            }
            return try events.append(bytes.readableBytesView).compactMap { try chunk($0) }
        case .end:
            guard status != .ok else { return [] }
            throw refusal()
        }
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
                throw GatewayClientError.failed(message: body.error.message)
            }
            throw GatewayClientError.malformed(address, reason: "a part of its answer is no completion")
        }
    }

    private func refusal() -> GatewayClientError {
        guard let body = try? JSON.decode(ErrorBody.self, from: errorBody) else {
            return .malformed(address, reason: "status \(status.code)")
        }
        return .refused(status: Int(status.code), message: body.error.message)
    }
}
