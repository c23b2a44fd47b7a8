package import NIOCore
import NIOHTTP1
import NIOPosix
package import PacelineCluster

/// A small client of a verifier's HTTP interface: one connection per request.
package struct GatewayClient: Sendable {
    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    package let address: Endpoint
    private let group: any EventLoopGroup

    package init(address: Endpoint, group: any EventLoopGroup) {
        self.address = address
        self.group = group
    }

    /// Requests a completion and passes on its chunks as they come; the last one has the figures.
    ///
    /// Cancelling the task closes the connection, which cancels the request.
    ///
    /// - Throws: ``GatewayClientError``, and what `onChunk` throws.
    package func stream(_ request: CompletionRequest, onChunk: (Completion) async throws -> Void) async throws {
        var request = request
        request.stream = true
        let body = try ByteBuffer(bytes: JSON.encode(request))
        var answer = AnswerParser(address: address)
        try await exchange(.POST, "/v1/completions", body) { part in
            for chunk in try answer.take(part) { try await onChunk(chunk) }
            return answer.isComplete
        }
    }

    /// The workers connected to the verifier.
    package func workers() async throws -> [WorkerContribution] {
        var collected = ByteBuffer()
        try await exchange(.GET, "/v1/workers", nil) { part in
            switch part {
            case .head(let head) where head.status != .ok:
                throw GatewayClientError.malformed(address, reason: "status \(head.status.code)")
            case .head: return false
            case .body(var bytes):
                collected.writeBuffer(&bytes)
                return false
            case .end: return true
            }
        }
        guard let list = try? JSON.decode(WorkerList.self, from: collected) else {
            throw GatewayClientError.malformed(
                address,
                reason: "its list of workers is not in the form that it should be"
            )
        }
        return list.data
    }

    /// Sends a request and passes the parts of the answer to `take` until it reports that they are complete.
    private func exchange(
        _ method: HTTPMethod,
        _ path: String,
        _ body: ByteBuffer?,
        take: (HTTPClientResponsePart) async throws -> Bool
    ) async throws {
        let connection = try await connect()
        try await connection.executeThenClose { inbound, outbound in
            do {
                try await outbound.write(contentsOf: parts(method, path, body))
                for try await part in inbound where try await take(part) { return }
            } catch  where error is ChannelError || error is IOError || error is HTTPParserError {
                // The last one means that the connection ended inside a chunk.
                throw GatewayClientError.disconnected(address)
            }
            try Task.checkCancellation()
            throw GatewayClientError.disconnected(address)
        }
    }

    private func connect() async throws -> Connection {
        do {
            return try await ClientBootstrap(group: group)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .connectTimeout(.seconds(5))
                .connect(host: address.host, port: address.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            throw GatewayClientError.unreachable(address, SocketFailure(error))
        }
    }

    private func parts(_ method: HTTPMethod, _ path: String, _ body: ByteBuffer?) -> [HTTPClientRequestPart] {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: path)
        head.headers.add(name: "host", value: address.description)
        head.headers.add(name: "connection", value: "close")
        guard let body else { return [.head(head), .end(nil)] }
        head.headers.add(name: "content-type", value: "application/json")
        head.headers.add(name: "content-length", value: "\(body.readableBytes)")
        return [.head(head), .body(.byteBuffer(body)), .end(nil)]
    }
}
