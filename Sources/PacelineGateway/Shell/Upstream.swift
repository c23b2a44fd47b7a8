import AsyncHTTPClient
import Glibc
import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PacelineCluster
import PacelineServer
import PacelineSpeculation

/// The HTTP client towards the verifiers. All its callbacks come on the gateway's loop.
final class Upstream {
    /// The longest answer about health that is read.
    private static let healthLimit = 1 << 16

    private let http: HTTPClient
    private let eventLoop: any EventLoop
    private let healthLimit: Duration

    /// - Parameters:
    ///   - certificates: a file with the authorities that verifiers' certificates come from; nil for the system's.
    ///   - healthLimit: how long an answer about health may take.
    init(on eventLoop: any EventLoop, certificates: String?, healthLimit: Duration) {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(1)
        // Another replica is the better second try.
        configuration.connectionPool.retryConnectionEstablishment = false
        // The machine counts requests, and no request waits here for a connection.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1 << 16
        // Shorter than the 90 s of a verifier, so that requests do not run into connections that close.
        configuration.connectionPool.idleTimeout = .seconds(60)
        if let certificates {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(certificates)
            configuration.tlsConfiguration = tls
        }
        http = HTTPClient(eventLoopGroup: eventLoop, configuration: configuration)
        (self.eventLoop, self.healthLimit) = (eventLoop, healthLimit)
    }

    func shutdown() -> EventLoopFuture<Void> { http.shutdown() }

    /// A call that runs.
    struct Call {
        fileprivate let task: HTTPClient.Task<Void>?

        func cancel() { task?.cancel() }
    }

    /// Sends a call to a replica; what comes of it goes to `loop`.
    func open(_ call: UpstreamCall, at address: ReplicaAddress, for attempt: AttemptID, _ loop: GatewayLoop) -> Call {
        var headers = HTTPHeaders()
        for field in call.headers { headers.add(name: field.name.rawName, value: field.value) }
        let bound = NIOLoopBound(loop, eventLoop: eventLoop)
        do {
            let request = try HTTPClient.Request(
                url: address.url + call.path,
                method: HTTPMethod(rawValue: call.method.rawValue),
                headers: headers,
                body: call.body.readableBytes > 0 ? .byteBuffer(call.body) : nil
            )
            let delegate = AnswerDelegate(attempt, bound)
            return Call(
                task: http.execute(request: request, delegate: delegate, eventLoop: .delegate(on: eventLoop))
            )
        } catch {
            // A path that is no path; nobody else would take it either.
            eventLoop.execute { bound.value.attemptFailed(attempt, .unreachable) }
            return Call(task: nil)
        }
    }

    /// Asks a replica for its health.
    func poll(_ address: ReplicaAddress, _ onAnswer: @escaping (HealthAnswer) -> Void) {
        guard let request = try? HTTPClient.Request(url: address.url + "/health") else { return onAnswer(.unreachable) }
        let answer = http.execute(
            request: request,
            delegate: ResponseAccumulator(request: request, maxBodySize: Self.healthLimit),
            eventLoop: .delegate(on: eventLoop),
            deadline: .now() + .nanoseconds(healthLimit.saturatedNanoseconds)
        )
        answer.futureResult.hop(to: eventLoop).assumeIsolated().whenComplete { result in
            onAnswer((try? result.get()).map { HealthAnswer($0) } ?? .unreachable)
        }
    }
}

extension HealthAnswer {
    fileprivate init(_ response: HTTPClient.Response) {
        guard response.status == .ok else {
            self = .refusing
            return
        }
        guard let generation = response.headers.first(name: HTTPField.Name.pacelineGeneration.rawName) else {
            self = .foreign
            return
        }
        let incarnation = response.headers.first(name: HTTPField.Name.pacelineIncarnation.rawName)
        self = .ready(generation: generation, incarnation: incarnation)
    }
}

/// Hands the parts of one answer to the gateway.
private final class AnswerDelegate: HTTPClientResponseDelegate {
    typealias Response = Void

    private let attempt: AttemptID
    private let loop: NIOLoopBound<GatewayLoop>

    init(_ attempt: AttemptID, _ loop: NIOLoopBound<GatewayLoop>) {
        (self.attempt, self.loop) = (attempt, loop)
    }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        var fields = HTTPFields()
        for (name, value) in head.headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        let status = HTTPResponse.Status(code: Int(head.status.code), reasonPhrase: head.status.reasonPhrase)
        loop.value.answerBegan(attempt, AnswerHead(status: status, headers: fields))
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        loop.value.answerBytes(attempt, buffer)
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) {
        loop.value.answerEnded(attempt)
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        loop.value.attemptFailed(attempt, AttemptFailure(error))
    }
}

extension AttemptFailure {
    init(_ error: any Error) {
        switch error {
        case is NIOConnectionError, is NIOSSLError, is NIOSSLExtraError: self = .unreachable
        case let error as HTTPClientError where [.connectTimeout, .tlsHandshakeTimeout].contains(error):
            self = .unreachable
        case let error as IOError where [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode):
            self = .unreachable
        default: self = .disconnected
        }
    }
}
