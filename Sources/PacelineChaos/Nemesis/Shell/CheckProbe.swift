import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import PacelineCluster

/// Asks a service once whether it works.
struct CheckProbe: Sendable {
    /// How much of an answer is looked at.
    private static let answerLimit = 1 << 20

    let check: ServiceCheck
    let http: HTTPClient
    let group: any EventLoopGroup
    let commands: CheckCommands

    /// A client for checks: it tries once, and follows nobody elsewhere.
    static func client(on group: any EventLoopGroup) -> HTTPClient {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        // The schedule says how many ask at once; none of them waits here for another.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1 << 16
        return HTTPClient(eventLoopGroup: group, configuration: configuration)
    }

    /// - Returns: why it failed; nil if it succeeded. Cancellation ends it.
    func ask() async -> String? {
        // A command is ended by force by its own timer.
        if case .command(let command) = check.probe { return await run(command) }
        return await withTaskGroup(of: String?.self) { group in
            group.addTask { await exchange() }
            group.addTask {
                // Cancelled when the answer was first.
                try? await Task.sleep(for: check.timeout)
                return late
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }

    private var late: String { "no answer within \(ScheduleDuration.words(check.timeout))" }

    private func exchange() async -> String? {
        do {
            switch check.probe {
            case .http(let url, let statuses): return try await get(url, statuses)
            case .tcp(let endpoint, let text): return try await connect(to: endpoint, sending: text)
            case .command: return nil
            }
        } catch let error as NIOConnectionError {
            return SocketFailure(error).connecting(to: target)
        } catch let error as IOError {
            return SocketFailure(error).connecting(to: target)
        } catch let error as HTTPClientError {
            return words(error)
        } catch let error as HTTPParserError {
            return error == .invalidEOFState ? brokenOff : "\(target) answers with what is no HTTP (\(error))"
        } catch {
            return "\(error)"
        }
    }

    private var brokenOff: String { "\(target) closes the connection before the end of its answer" }

    private func words(_ error: HTTPClientError) -> String {
        switch error {
        case .deadlineExceeded, .readTimeout, .connectTimeout, .getConnectionFromPoolTimeout: late
        case .remoteConnectionClosed: brokenOff
        default: "\(target) cannot be asked (\(error.shortDescription))"
        }
    }

    private var target: String {
        switch check.probe {
        case .http(let url, _): url
        case .tcp(let endpoint, _): "\(endpoint)"
        case .command(let command): command.arguments.joined(separator: " ")
        }
    }

    // MARK: Kinds

    private func get(_ url: String, _ statuses: ClosedRange<Int>) async throws -> String? {
        var request = HTTPClientRequest(url: url)
        // A connection that was kept would not show whether a new client is served.
        request.headers.add(name: "connection", value: "close")
        request.headers.add(name: "user-agent", value: "paceline-nemesis")
        let limit = TimeAmount.nanoseconds(Int64(check.timeout / .nanoseconds(1)))
        let response = try await http.execute(request, timeout: limit)
        let status = Int(response.status.code)
        guard statuses.contains(status) else { return "it answers with status \(status)" }
        return try await judge(response.body)
    }

    /// Looks at as much of an answer as it takes.
    private func judge<Parts: AsyncSequence>(_ parts: Parts) async throws -> String? where Parts.Element == ByteBuffer {
        var answer: [UInt8] = []
        for try await part in parts {
            if !check.contains.isEmpty, answer.count < Self.answerLimit { answer += Array(part.readableBytesView) }
        }
        return judge(answer)
    }

    private func connect(to endpoint: Endpoint, sending text: String) async throws -> String? {
        let limit = TimeAmount.nanoseconds(Int64(check.timeout / .nanoseconds(1)))
        let connection = try await ClientBootstrap(group: group)
            .connectTimeout(limit)
            // A service that greets and ends its direction still gets to hear this one.
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: endpoint.host, port: endpoint.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await connection.executeThenClose { inbound, outbound in
            if !text.isEmpty { try await outbound.write(ByteBuffer(string: text)) }
            guard !check.contains.isEmpty else { return nil }
            var answer: [UInt8] = []
            for try await part in inbound {
                answer += Array(part.readableBytesView)
                if judge(answer) == nil { return nil }
                guard answer.count < Self.answerLimit else { break }
            }
            return judge(answer)
        }
    }

    private func run(_ command: ScheduledCommand) async -> String? {
        do {
            let outcome = try await CommandRun.run(command, timeout: check.timeout, commands)
            guard let ending = outcome.ending else { return late }
            guard ending == .status(0) else { return "it ended with \(ending)" }
            return judge(outcome.output)
        } catch {
            return "\(error)"
        }
    }

    /// Why an answer is not the wanted one; nil if it is.
    private func judge(_ answer: [UInt8]) -> String? {
        guard !check.contains.isEmpty, answer.firstRange(of: Array(check.contains.utf8)) == nil else { return nil }
        return "the answer does not contain \"\(check.contains)\""
    }
}
