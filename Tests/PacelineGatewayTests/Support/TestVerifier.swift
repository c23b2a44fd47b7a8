import Logging
import NIOPosix
import PacelineChaos
import PacelineSpeculation
import Synchronization

@testable import PacelineCluster
@testable import PacelineServer

/// A verifier's HTTP server on a loopback port, whose tokens come from ``ReferenceVerifier`` at a test's pace. Clients
/// reach it through a relay, so that it can be lost in the middle of an answer.
final class TestVerifier: Sendable {
    let address: Endpoint
    let backend: PacedBackend
    /// Where it listens, which no client is told.
    private let server: Endpoint
    private let relay: RelayServer
    private let isOver: AsyncStream<Never>.Continuation
    private let task: Task<Void, any Error>

    /// - Parameters:
    ///   - hold: the number of events of each choice after which nothing more comes; nil for all.
    ///   - flood: the events of every answer instead of a text, and the bytes of each.
    ///   - isLoaded: whether it takes requests.
    init(
        _ reference: ReferenceVerifier,
        hold: Int? = nil,
        flood: (events: Int, bytes: Int)? = nil,
        isLoaded: Bool = true,
        configuration: HTTPServerConfiguration = HTTPServerConfiguration()
    ) async throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (backend, lifecycle) = (
            PacedBackend(reference, hold: hold, flood: flood),
            ServerLifecycle(metrics: ServerMetrics(modelName: "tiny"))
        )
        if isLoaded { lifecycle.begin(serving: Services(model: reference.model, backend: backend, logger: logger)) }
        let (bound, source) = AsyncStream.makeStream(of: Endpoint.self)
        let (end, isOver) = AsyncStream.makeStream(of: Never.self)
        task = Task {
            try await HTTPServer(lifecycle, configuration: configuration, logger: logger).serve(
                on: Endpoint(host: "127.0.0.1", port: 0),
                group: MultiThreadedEventLoopGroup.singleton
            ) { address in
                source.yield(address)
                for await _ in end {}
            }
        }
        var addresses = bound.makeAsyncIterator()
        guard let address = await addresses.next() else { throw CancellationError() }
        relay = try await RelayServer.start(
            RelayConfiguration(),
            listen: Endpoint(host: "127.0.0.1", port: 0),
            target: address,
            logger: logger
        )
        (self.address, self.backend, self.isOver, server) = (relay.endpoint, backend, isOver, address)
    }

    /// Another way to it, which can be closed by itself.
    func anotherWay() async throws -> RelayServer {
        try await RelayServer.start(
            RelayConfiguration(),
            listen: Endpoint(host: "127.0.0.1", port: 0),
            target: server,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Ends it, for its clients in the middle of whatever it does.
    func kill() async throws {
        _ = try await relay.shutdown()
        isOver.finish()
        try await task.value
    }
}

/// Hands out the events of reference texts, up to a place where it stops for ever.
final class PacedBackend: GenerationBackend {
    private struct State {
        var requests: [GenerationRequest] = []
        var running = 0
        /// Tokens whose bytes have left.
        var sent = 0
        var random = SplitMix(seed: 9)
    }

    private let reference: ReferenceVerifier
    private let hold: Int?
    private let flood: (events: Int, bytes: Int)?
    private let state = Mutex(State())

    init(_ reference: ReferenceVerifier, hold: Int?, flood: (events: Int, bytes: Int)? = nil) {
        (self.reference, self.hold, self.flood) = (reference, hold, flood)
    }

    var requests: [GenerationRequest] { state.withLock { $0.requests } }
    var running: Int { state.withLock { $0.running } }
    var sent: Int { state.withLock { $0.sent } }

    func begin(_ request: GenerationRequest) -> any Generation {
        let events: [RequestEvent] = state.withLock { state in
            state.requests.append(request)
            state.running += 1
            if let flood {
                let text = String(repeating: "x", count: flood.bytes)
                return Array(repeating: RequestEvent.tokens(GeneratedTokens([5], text: text)), count: flood.events)
            }
            return (try? reference.generated(request, &state.random)) ?? []
        }
        return Run(hold.map { Array(events.prefix($0)) } ?? events, holds: hold != nil, of: self)
    }

    private final class Run: Generation {
        private let events: Mutex<ArraySlice<RequestEvent>>
        private let holds: Bool
        private let backend: PacedBackend

        init(_ events: [RequestEvent], holds: Bool, of backend: PacedBackend) {
            self.events = Mutex(events[...])
            (self.holds, self.backend) = (holds, backend)
        }

        deinit {
            backend.state.withLock { $0.running -= 1 }
        }

        func sent(_ tokens: Int) {
            backend.state.withLock { $0.sent += tokens }
        }

        func next() async throws -> RequestEvent? {
            try await Task.sleep(for: .milliseconds(1))
            if let event = events.withLock({ $0.popFirst() }) { return event }
            if holds { try await Task.sleep(for: .seconds(600)) }
            return nil
        }

        func cancel() {}
    }

    func connectedWorkers() async throws -> [WorkerContribution] { [] }
    func isAlive() async throws -> Bool { true }
    func occupancy() async throws -> Occupancy { Occupancy(running: running, waiting: 0) }
}
