import Hummingbird
import NIOCore
import Synchronization

/// Reads the bodies of requests, each up to a limit and all into one bounded memory.
final class BodyMemory: Sendable {
    private let limit: Int
    private let free: Mutex<Int>

    /// - Parameters:
    ///   - limit: the most bytes of one body.
    ///   - bytes: what all may take together.
    init(limit: Int, bytes: Int) {
        self.limit = limit
        free = Mutex(bytes)
    }

    /// A body, and its part of the memory until nobody holds it any more.
    final class Body: Sendable {
        let bytes: ByteBuffer
        private let memory: BodyMemory

        fileprivate init(_ bytes: ByteBuffer, in memory: BodyMemory) {
            self.bytes = bytes
            self.memory = memory
        }

        deinit {
            memory.giveBack(bytes.readableBytes)
        }
    }

    /// Reads the whole body of `request`.
    ///
    /// - Throws: ``APIError``: 413 for a body beyond the limit, 503 if there is not so much memory left, 400 for one
    ///   that ends too early.
    func read(_ request: Request) async throws -> Body {
        let declared = request.headers[.contentLength].flatMap { Int($0) }
        guard (declared ?? 0) <= limit else { throw APIError.bodyTooLarge(limit: limit) }
        var bytes = ByteBuffer()
        do {
            for try await var part in request.body {
                let count = bytes.readableBytes + part.readableBytes
                guard count <= limit else { throw APIError.bodyTooLarge(limit: limit) }
                try take(part.readableBytes)
                bytes.writeBuffer(&part)
            }
            guard (declared ?? bytes.readableBytes) == bytes.readableBytes else {
                throw APIError.invalidRequest("the request ended before its body was complete; send it again")
            }
        } catch {
            giveBack(bytes.readableBytes)
            throw error
        }
        return Body(bytes, in: self)
    }

    private func take(_ bytes: Int) throws(APIError) {
        let isTaken = free.withLock { free in
            guard bytes <= free else { return false }
            free -= bytes
            return true
        }
        guard isTaken else {
            throw .unavailable("too many long requests are being answered; try again in a moment", retryAfter: 1)
        }
    }

    private func giveBack(_ bytes: Int) {
        free.withLock { $0 += bytes }
    }
}
