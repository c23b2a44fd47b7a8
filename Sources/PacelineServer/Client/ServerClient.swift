import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
package import PacelineCluster

/// A client of a verifier's HTTP interface: one connection per request.
package struct ServerClient: Sendable {
    /// The most bytes of an answer that is no stream.
    private static let answerLimit = 1 << 24

    /// Lives as long as the process, so that nobody has to shut it down.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        // Who cannot connect wants to know now.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }()

    package let address: Endpoint
    /// Nil for a server without keys.
    private let apiKey: String?

    package init(address: Endpoint, apiKey: String? = nil) {
        self.address = address
        self.apiKey = apiKey
    }

    /// Requests a completion and passes on its chunks as they come; the last one has the figures.
    ///
    /// Cancelling the task closes the connection, which cancels the request.
    ///
    /// - Throws: ``ServerClientError``, and what `onChunk` throws.
    package func stream(_ request: CompletionRequest, onChunk: (Completion) async throws -> Void) async throws {
        var request = request
        request.stream = true
        let response = try await send("/v1/completions", body: JSON.encode(request))
        guard response.status == .ok else {
            let body = try await collect(response.body)
            throw AnswerParser.refusal(response.status, body, from: address)
        }
        var answer = AnswerParser(address: address)
        var parts = response.body.makeAsyncIterator()
        while let part = try await connected({ try await parts.next() }) {
            for chunk in try answer.take(part) { try await onChunk(chunk) }
            if answer.isComplete { return }
        }
        try Task.checkCancellation()
        throw ServerClientError.disconnected(address)
    }

    /// The workers connected to the verifier.
    package func workers() async throws -> [WorkerContribution] {
        let response = try await send("/v1/workers", body: nil)
        guard response.status == .ok else {
            throw ServerClientError.malformed(address, reason: "status \(response.status.code)")
        }
        guard let list = try? JSON.decode(WorkerList.self, from: await collect(response.body)) else {
            throw ServerClientError.malformed(
                address,
                reason: "its list of workers is not in the form that it should be"
            )
        }
        return list.data
    }

    func send(_ path: String, body: [UInt8]?) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: "http://\(address)\(path)")
        request.headers.add(name: "connection", value: "close")
        if let apiKey { request.headers.add(name: "authorization", value: "Bearer \(apiKey)") }
        if let body {
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        return try await connected { [request] in try await Self.http.execute(request, deadline: .distantFuture) }
    }

    func collect(_ body: HTTPClientResponse.Body) async throws -> ByteBuffer {
        try await connected {
            do {
                return try await body.collect(upTo: Self.answerLimit)
            } catch is NIOTooManyBytesError {
                throw ServerClientError.malformed(address, reason: "an answer of more than 16 MiB")
            }
        }
    }

    /// Runs `body`, and words the failures of the connection.
    private func connected<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as NIOConnectionError {
            throw ServerClientError.unreachable(address, SocketFailure(error))
        } catch let error as HTTPClientError where error == .connectTimeout {
            throw ServerClientError.unreachable(address, SocketFailure(ChannelError.connectTimeout(.seconds(5))))
        } catch  where Self.isOfConnection(error) {
            try Task.checkCancellation()
            throw ServerClientError.disconnected(address)
        }
    }

    /// Whether the connection failed, which it also does by ending inside a chunk.
    private static func isOfConnection(_ error: any Error) -> Bool {
        error is HTTPClientError || error is ChannelError || error is IOError || error is HTTPParserError
    }
}
