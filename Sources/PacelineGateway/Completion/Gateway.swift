import NIOHTTP1
import Synchronization

/// Routes requests to what answers them.
///
/// It can be asked before the model is loaded: the process is then healthy and not ready.
package final class Gateway: Sendable {
    private enum State {
        case loading
        case serving(CompletionService)
        case draining(CompletionService)
    }

    private let state = Mutex(State.loading)

    package init() {}

    /// The model is loaded.
    package func begin(serving service: CompletionService) {
        state.withLock { $0 = .serving(service) }
    }

    /// The process is going away: it is not ready any more, and the verifier refuses new requests itself.
    package func drain() {
        state.withLock { state in
            if case .serving(let service) = state { state = .draining(service) }
        }
    }

    /// Answers one request.
    package func respond(to request: HTTPRequest, _ writer: ResponseWriter) async throws {
        switch try Route.matching(request.head.method, request.head.uri) {
        case .health: try await writer.send(.json(StatusBody(status: "ok")))
        case .ready:
            _ = try serving()
            try await writer.send(.json(StatusBody(status: "ready")))
        case .models:
            let model = try loaded().model
            try await writer.send(.json(ModelList(id: model.id, contextLength: model.contextLength)))
        case .workers: try await writer.send(.json(WorkerList(data: try loaded().backend.connectedWorkers())))
        case .metrics:
            let metrics = try await loaded().backend.metrics()
            try await writer.send(.text(metrics.text, contentType: MetricsText.contentType))
        case .completions: try await loaded().respond(to: request, writer)
        }
    }

    private func serving() throws(GatewayError) -> CompletionService {
        guard case .serving(let service) = state.withLock({ $0 }) else {
            throw .unavailable("the verifier takes no requests now; try again later", retryAfter: 1)
        }
        return service
    }

    private func loaded() throws(GatewayError) -> CompletionService {
        switch state.withLock({ $0 }) {
        case .loading: throw .unavailable("the model is being loaded; try again in a moment", retryAfter: 1)
        case .serving(let service), .draining(let service): return service
        }
    }
}
