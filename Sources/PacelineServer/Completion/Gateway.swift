import NIOHTTP1
import Synchronization

/// Routes requests to their handlers.
///
/// Works before the model is loaded: the process is then healthy but not ready.
package final class Gateway: Sendable {
    private enum Phase {
        case loading
        case serving(CompletionService)
        case draining(CompletionService)
    }

    private struct State {
        var phase = Phase.loading
        /// The number of completions being answered.
        var running = 0
        /// Tasks that wait until there are none.
        var waiting: [AsyncStream<Never>.Continuation] = []
    }

    private let metrics: ServerMetrics
    private let state = Mutex(State())

    package init(metrics: ServerMetrics) {
        self.metrics = metrics
    }

    /// Begins serving; call when the model is loaded.
    package func begin(serving service: CompletionService) {
        state.withLock { $0.phase = .serving(service) }
    }

    /// Reports not ready from now on, because the process is shutting down; the verifier itself refuses new requests.
    package func drain() {
        state.withLock { state in
            if case .serving(let service) = state.phase { state.phase = .draining(service) }
        }
    }

    /// Suspends until the last byte of every completion has been sent, or the task is cancelled.
    package func waitUntilIdle() async {
        let (idle, source) = AsyncStream.makeStream(of: Never.self)
        state.withLock { state in
            if state.running == 0 { source.finish() } else { state.waiting.append(source) }
        }
        for await _ in idle {}
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
            let accept = request.head.headers["accept"].joined(separator: ",")
            let (text, contentType) = metrics.metricsText(accept: accept)
            try await writer.send(.text(text, contentType: contentType))
        case .completions: try await complete(request, writer)
        }
    }

    private func complete(_ request: HTTPRequest, _ writer: ResponseWriter) async throws {
        let service = try loaded()
        state.withLock { $0.running += 1 }
        defer {
            state.withLock { state in
                state.running -= 1
                guard state.running == 0 else { return }
                for waiting in state.waiting { waiting.finish() }
                state.waiting.removeAll()
            }
        }
        try await service.respond(to: request, writer)
    }

    private func serving() throws(GatewayError) -> CompletionService {
        guard case .serving(let service) = state.withLock({ $0.phase }) else {
            throw .unavailable("the verifier accepts no requests now; try again later", retryAfter: 1)
        }
        return service
    }

    private func loaded() throws(GatewayError) -> CompletionService {
        switch state.withLock({ $0.phase }) {
        case .loading: throw .unavailable("the model is being loaded; try again in a moment", retryAfter: 1)
        case .serving(let service), .draining(let service): return service
        }
    }
}
