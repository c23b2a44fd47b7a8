import Synchronization

/// What the server can do now, and how many requests it is answering.
package final class ServerLifecycle: Sendable {
    private enum Phase {
        case loading
        case serving(Services)
        /// The process will end soon. It still takes requests, from those who have not heard of that yet.
        case leaving(Services)
        case draining(Services)
    }

    private struct State {
        var phase = Phase.loading
        /// The number of requests being answered.
        var running = 0
        /// Tasks that wait until there are none.
        var waiting: [AsyncStream<Never>.Continuation] = []
    }

    /// What `/metrics` answers in every phase.
    let metrics: ServerMetrics
    private let state = Mutex(State())

    package init(metrics: ServerMetrics) {
        self.metrics = metrics
    }

    /// Begins serving; call when the model is loaded.
    package func begin(serving services: Services) {
        state.withLock { $0.phase = .serving(services) }
    }

    /// Reports not ready from now on, so that load balancers send no more requests; those that come are served.
    package func beginLeaving() {
        state.withLock { state in
            if case .serving(let services) = state.phase { state.phase = .leaving(services) }
        }
    }

    /// Takes no new requests from now on.
    package func drain() {
        state.withLock { state in
            switch state.phase {
            case .serving(let services), .leaving(let services): state.phase = .draining(services)
            case .loading, .draining: break
            }
        }
    }

    /// Whether the process is shutting down.
    var isEnding: Bool {
        switch state.withLock({ $0.phase }) {
        case .loading, .serving: false
        case .leaving, .draining: true
        }
    }

    /// Throws unless the process wants requests.
    func checkReadiness() throws(APIError) {
        switch state.withLock({ $0.phase }) {
        case .loading: throw Self.loading
        case .serving: break
        case .leaving, .draining: throw Self.draining
        }
    }

    /// What serves new requests.
    func serving() throws(APIError) -> Services {
        switch state.withLock({ $0.phase }) {
        case .loading: throw Self.loading
        case .serving(let services), .leaving(let services): return services
        case .draining: throw Self.draining
        }
    }

    /// What knows of the model, once it is loaded.
    func loaded() throws(APIError) -> Services {
        guard let services else { throw Self.loading }
        return services
    }

    /// The same; nil before.
    var services: Services? {
        switch state.withLock({ $0.phase }) {
        case .loading: nil
        case .serving(let services), .leaving(let services), .draining(let services): services
        }
    }

    private static let loading = APIError.unavailable(
        "Loading model; try again in a moment",
        code: "loading",
        retryAfter: 1
    )
    private static let draining = APIError.unavailable(
        "the verifier is shutting down and takes no new requests; ask another one",
        code: "draining",
        retryAfter: 2
    )

    // MARK: Requests

    /// Counts one request for as long as anybody holds it.
    final class Running: Sendable {
        private let lifecycle: ServerLifecycle

        fileprivate init(in lifecycle: ServerLifecycle) {
            self.lifecycle = lifecycle
        }

        deinit {
            lifecycle.leave()
        }
    }

    func enter() -> Running {
        state.withLock { $0.running += 1 }
        return Running(in: self)
    }

    private func leave() {
        state.withLock { state in
            state.running -= 1
            guard state.running == 0 else { return }
            for waiting in state.waiting { waiting.finish() }
            state.waiting.removeAll()
        }
    }

    /// Suspends until the last byte of every answer has been sent, or the task is cancelled.
    package func waitUntilIdle() async {
        let (idle, source) = AsyncStream.makeStream(of: Never.self)
        state.withLock { state in
            if state.running == 0 { source.finish() } else { state.waiting.append(source) }
        }
        for await _ in idle {}
    }
}
