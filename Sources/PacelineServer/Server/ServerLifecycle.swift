import Synchronization

/// What the server can do now: loading, serving or draining; and how many requests it is answering.
package final class ServerLifecycle: Sendable {
    private enum Phase {
        case loading
        case serving(Services)
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

    /// Reports not ready from now on, because the process is shutting down; the verifier itself refuses new requests.
    package func drain() {
        state.withLock { state in
            if case .serving(let services) = state.phase { state.phase = .draining(services) }
        }
    }

    /// Whether the process is shutting down.
    var isDraining: Bool {
        if case .draining = state.withLock({ $0.phase }) { true } else { false }
    }

    /// What serves requests while the process takes new ones.
    func serving() throws(APIError) -> Services {
        guard case .serving(let services) = state.withLock({ $0.phase }) else {
            throw .unavailable("the verifier accepts no requests now; try again later", retryAfter: 1)
        }
        return services
    }

    /// What serves requests once the model is loaded.
    func loaded() throws(APIError) -> Services {
        switch state.withLock({ $0.phase }) {
        case .loading: throw .unavailable("the model is being loaded; try again in a moment", retryAfter: 1)
        case .serving(let services), .draining(let services): return services
        }
    }

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
