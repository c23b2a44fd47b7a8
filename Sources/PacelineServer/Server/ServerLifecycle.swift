import Synchronization

/// What a verifier's HTTP side can do now.
package final class ServerLifecycle: Sendable {
    private enum Phase {
        case loading
        case serving(Services)
        /// The process will end soon. It still takes requests, from those who have not heard of that yet.
        case leaving(Services)
        case draining(Services)
    }

    /// What `/metrics` answers in every phase.
    let metrics: ServerMetrics
    /// The requests that are being answered, in every phase.
    package let requests = RequestCount()
    /// Names this life of the process.
    let incarnation = String(UInt64.random(in: 0 ... .max), radix: 16)
    private let phase = Mutex(Phase.loading)

    package init(metrics: ServerMetrics) {
        self.metrics = metrics
    }

    /// Begins serving; call when the model is loaded.
    package func begin(serving services: Services) {
        phase.withLock { $0 = .serving(services) }
    }

    /// Reports not ready from now on, so that load balancers send no more requests; those that come are served.
    package func beginLeaving() {
        phase.withLock { phase in
            if case .serving(let services) = phase { phase = .leaving(services) }
        }
    }

    /// Takes no new requests from now on.
    package func drain() {
        phase.withLock { phase in
            switch phase {
            case .serving(let services), .leaving(let services): phase = .draining(services)
            case .loading, .draining: break
            }
        }
    }

    /// Where in its life the process is.
    enum Stage: Sendable {
        case loading, serving, leaving, draining
    }

    var stage: Stage {
        switch phase.withLock({ $0 }) {
        case .loading: .loading
        case .serving: .serving
        case .leaving: .leaving
        case .draining: .draining
        }
    }

    /// Whether the process is shutting down.
    package var isEnding: Bool {
        switch phase.withLock({ $0 }) {
        case .loading, .serving: false
        case .leaving, .draining: true
        }
    }

    /// Throws unless the process wants requests.
    func checkReadiness() throws(APIError) {
        switch phase.withLock({ $0 }) {
        case .loading: throw Self.loading
        case .serving: break
        case .leaving, .draining: throw Self.draining
        }
    }

    /// What serves new requests.
    func serving() throws(APIError) -> Services {
        switch phase.withLock({ $0 }) {
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
        switch phase.withLock({ $0 }) {
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
}
