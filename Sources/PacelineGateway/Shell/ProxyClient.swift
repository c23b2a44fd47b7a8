import HTTPTypes
import NIOCore
import PacelineServer

/// A client that waits for its answer, on the gateway's loop.
final class ProxyClient {
    /// The bytes that may wait for a client before its replica is not read from any more.
    private static let limit = 1 << 16

    /// The `x-request-id`.
    let requestID: String
    private let tally: RequestTally
    private let eventLoop: any EventLoop
    /// Who waits for the answer to begin, and then for the stream to end.
    private var reply: CheckedContinuation<APIReply, any Error>?
    private var end: CheckedContinuation<Void, any Error>?
    /// The reply whose answer is a stream, until it is given.
    private var stream: APIReply?
    /// Sends bytes; nil before the stream can be written.
    private var sender: ((ByteBuffer) -> EventLoopFuture<Void>)?
    /// Parts of the stream from before it could be written, and the bytes of parts that have not left.
    private var early: [ByteBuffer] = []
    private var waiting = 0
    private var isFinished = false
    private var isBlocked = false
    private var failure: (any Error)?
    private var room: EventLoopPromise<Void>?
    /// Whether a replica has had its request, so that the next one is news.
    var isMoved = false
    /// Told whenever there begins or ceases to be room for more bytes.
    var onRoom: ((Bool) -> Void)?
    /// Told when the connection has failed.
    var onLoss: (() -> Void)?
    /// Told when nobody waits for anything any more.
    var onOver: (() -> Void)?

    /// - Parameters:
    ///   - stream: the reply whose answer is a stream.
    ///   - reply: who waits for the reply; nil for nobody.
    init(
        _ request: APIRequest,
        stream: APIReply,
        on eventLoop: any EventLoop,
        _ reply: CheckedContinuation<APIReply, any Error>?
    ) {
        (requestID, tally, self.stream, self.eventLoop, self.reply) =
            (request.id, request.tally, stream, eventLoop, reply)
    }

    func answer(_ answer: ProxyAnswer) {
        let contentType = answer.headers[.contentType] ?? "application/json"
        var headers = answer.headers
        headers[.contentType] = nil
        let bytes = Array(answer.body.readableBytesView)
        reply?.resume(returning: .whole(bytes, contentType: contentType, status: answer.status, headers: headers))
        reply = nil
    }

    func begin(_ headers: HTTPFields) {
        guard let stream else { return }
        reply?.resume(returning: stream.adding(headers))
        // The server alone holds it now, so that its end is noticed if it is never written.
        (reply, self.stream) = (nil, nil)
    }

    /// The stream can be written now.
    func attach(_ writer: EventWriter, _ end: CheckedContinuation<Void, any Error>?) {
        (sender, self.end) = (writer.sender(on: eventLoop), end)
        let parts = early
        early.removeAll()
        for part in parts {
            waiting -= part.readableBytes
            write(part)
        }
        settle()
    }

    func send(_ bytes: ByteBuffer, tokens: Int) {
        if tokens > 0 { tally.add(tokens: tokens) }
        guard sender != nil else {
            early.append(bytes)
            waiting += bytes.readableBytes
            return settle()
        }
        write(bytes)
        settle()
    }

    private func write(_ bytes: ByteBuffer) {
        let count = bytes.readableBytes
        waiting += count
        sender?(bytes).assumeIsolated().whenComplete { [self] result in
            waiting -= count
            if case .failure(let error) = result, failure == nil {
                failure = error
                onLoss?()
            }
            settle()
        }
    }

    /// All bytes have been sent.
    func finish() {
        isFinished = true
        settle()
    }

    /// Ends at once.
    func end(_ error: any Error) {
        (onRoom, onLoss) = (nil, nil)
        isFinished = true
        failure = failure ?? error
        settle()
    }

    /// When more bytes may come.
    func room(on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        guard isBlocked else { return eventLoop.makeSucceededVoidFuture() }
        let promise = room ?? eventLoop.makePromise()
        room = promise
        return promise.futureResult
    }

    private func settle() {
        let isFull = waiting > Self.limit && failure == nil && !isFinished
        if isFull != isBlocked {
            isBlocked = isFull
            onRoom?(!isFull)
        }
        if !isBlocked {
            room?.succeed()
            room = nil
        }
        if let failure {
            reply?.resume(throwing: failure)
            end?.resume(throwing: failure)
            (reply, end) = (nil, nil)
            over()
        } else if isFinished, waiting == 0, let end {
            end.resume()
            self.end = nil
            over()
        }
    }

    private func over() {
        onOver?()
        onOver = nil
    }
}
