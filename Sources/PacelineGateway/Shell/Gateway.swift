package import Logging
package import NIOCore
import PacelineServer
import Synchronization

/// A gateway that runs: answers the requests of an HTTP server with the help of verifiers.
package final class Gateway: Sendable {
    private struct State {
        var drain = DrainState(of: "the gateway")
        var isReady = false
        var lastRequest: UInt64 = 0
        var isShutDown = false
        /// The addresses by where they come from.
        var sources: [String: [ReplicaAddress]] = [:]
    }

    private let eventLoop: any EventLoop
    private let loop: NIOLoopBound<GatewayLoop>
    private let upstream: NIOLoopBound<Upstream>
    private let state: StateBox

    private final class StateBox: Sendable {
        let value = Mutex(State())
    }

    /// Starts without replicas; ``use(_:from:)`` names them.
    ///
    /// - Parameters:
    ///   - certificates: a file with the authorities that verifiers' certificates come from; nil for the system's.
    ///   - eventLoop: carries the machine and the connections to verifiers. It is cheapest if clients' connections are
    ///     on it, too.
    package static func start(
        _ configuration: GatewayConfiguration = GatewayConfiguration(),
        certificates: String? = nil,
        on eventLoop: any EventLoop,
        logger: Logger
    ) async throws -> Gateway {
        let state = StateBox()
        return try await eventLoop.submit {
            let upstream = Upstream(on: eventLoop, certificates: certificates, healthLimit: configuration.healthLimit)
            let loop = GatewayLoop(
                GatewayMachine(configuration),
                upstream: upstream,
                on: eventLoop,
                logger: logger,
                onReadiness: { isReady in state.value.withLock { $0.isReady = isReady } }
            )
            return Gateway(
                eventLoop,
                NIOLoopBound(loop, eventLoop: eventLoop),
                NIOLoopBound(upstream, eventLoop: eventLoop),
                state
            )
        }.get()
    }

    private init(
        _ eventLoop: any EventLoop,
        _ loop: NIOLoopBound<GatewayLoop>,
        _ upstream: NIOLoopBound<Upstream>,
        _ state: StateBox
    ) {
        (self.eventLoop, self.loop, self.upstream, self.state) = (eventLoop, loop, upstream, state)
    }

    /// Closes all connections to verifiers, and ends the streams that still run. Only the first call does anything;
    /// there must be one.
    package func shutdown() async throws {
        let isFirst = state.value.withLock { state in
            defer { state.isShutDown = true }
            return !state.isShutDown
        }
        guard isFirst else { return }
        try await eventLoop.flatSubmit { [loop, upstream] in
            loop.value.stop()
            return upstream.value.shutdown()
        }.get()
    }

    // MARK: Replicas

    /// Names the verifiers that one source knows: the command line, or a name that is looked up.
    package func use(_ addresses: [ReplicaAddress], from source: String) {
        let all = state.value.withLock { state in
            state.sources[source] = addresses
            return Array(Set(state.sources.values.joined())).sorted()
        }
        eventLoop.execute { [loop] in loop.value.post(.replicas(all)) }
    }

    /// The state in numbers.
    package func snapshot() async throws -> GatewaySnapshot {
        try await eventLoop.submit { [loop] in loop.value.snapshot }.get()
    }

    // MARK: The end

    /// Reports not ready from now on, so that load balancers send no more requests; those that come are served.
    package func beginLeaving() {
        state.value.withLock { $0.drain.leave() }
    }

    /// Takes no new requests from now on.
    package func drain() {
        state.value.withLock { $0.drain.drain() }
    }

    package var isEnding: Bool { phase != .serving }

    var phase: DrainState.Phase {
        state.value.withLock { $0.drain.phase }
    }

    /// Throws unless the gateway wants requests.
    func checkReadiness() throws(APIError) {
        let (drain, isReady) = state.value.withLock { ($0.drain, $0.isReady) }
        try drain.checkReadiness()
        guard isReady else { throw .noReplica }
    }

    // MARK: Requests

    /// Has a verifier answer a request.
    ///
    /// - Parameter generates: whether its path is one that generates tokens.
    /// - Throws: ``APIError`` while the gateway ends; `CancellationError` when the client goes away.
    func respond(to request: APIRequest, generates: Bool) async throws -> APIReply {
        let (drain, number) = state.value.withLock { state in
            state.lastRequest += 1
            return (state.drain, state.lastRequest)
        }
        try drain.checkOpenness()
        let id = ProxyRequestID(number)
        let call = ProxiedCall(request, generates: generates)
        let stream = stream(id)
        let hasLeft = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                eventLoop.execute { [loop, eventLoop] in
                    guard !hasLeft.isSet else { return continuation.resume(throwing: CancellationError()) }
                    loop.value.take(id, call, ProxyClient(request, stream: stream, on: eventLoop, continuation))
                }
            }
        } onCancel: {
            hasLeft.set()
            eventLoop.execute { [loop] in loop.value.leave(id) }
        }
    }

    /// The reply of a request whose answer is a stream. It ends the request if nobody writes it.
    private func stream(_ id: ProxyRequestID) -> APIReply {
        let lease = StreamLease { [eventLoop, loop] in eventLoop.execute { loop.value.leave(id) } }
        return .events { [eventLoop, loop] writer in
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    eventLoop.execute { loop.value.attach(id, writer, continuation) }
                }
            } onCancel: {
                lease.end()
            }
        }
    }
}

private final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { value.withLock { $0 } }

    func set() { value.withLock { $0 = true } }
}

/// Runs a closure when nobody needs something any more.
private final class StreamLease: Sendable {
    private let onEnd: @Sendable () -> Void

    init(_ onEnd: @escaping @Sendable () -> Void) {
        self.onEnd = onEnd
    }

    deinit {
        onEnd()
    }

    func end() {
        onEnd()
    }
}
