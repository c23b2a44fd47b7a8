import HTTPTypes
import NIOHTTP1
import Synchronization

/// Routes requests to their handlers.
///
/// Works before the model is loaded: the process is then healthy but not ready.
package final class Gateway: Sendable {
    private enum Phase {
        case loading
        case serving(GenerationService)
        case draining(GenerationService)
    }

    private struct State {
        var phase = Phase.loading
        /// The number of completions being answered.
        var running = 0
        /// Tasks that wait until there are none.
        var waiting: [AsyncStream<Never>.Continuation] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Begins serving; call when the model is loaded.
    package func begin(serving service: GenerationService) {
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
    package func respond(to request: PlainRequest, _ writer: ResponseWriter) async throws {
        switch try Route.matching(request.head.method, request.head.uri) {
        case .health: try await writer.send(.json(StatusBody(status: "ok")))
        case .ready:
            _ = try serving()
            try await writer.send(.json(StatusBody(status: "ready")))
        case .models:
            let service = try loaded()
            try await send(ModelService(service.model, backend: service.backend, build: "").list(), writer)
        case .workers: try await writer.send(.json(WorkerList(data: try loaded().backend.connectedWorkers())))
        case .metrics:
            let metrics = try await loaded().backend.metrics()
            try await writer.send(.text(metrics.text, contentType: MetricsText.contentType))
        case .completions: try await complete(request, writer)
        }
    }

    private func complete(_ request: PlainRequest, _ writer: ResponseWriter) async throws {
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
        do {
            let asked = APIRequest(id: "", body: request.body)
            try await send(CompletionService(service).respond(to: asked), writer)
        } catch let error as APIError {
            throw GatewayError(error)
        }
    }

    private func send(_ reply: APIReply, _ writer: ResponseWriter) async throws {
        switch reply {
        case .whole(let bytes, _, _):
            try await writer.send(.text(String(decoding: bytes, as: UTF8.self), contentType: "application/json"))
        case .events(let write):
            try await writer.beginEvents()
            try await write(EventWriter { try await writer.bytes($0) })
            try await writer.endEvents()
        }
    }

    private func serving() throws(GatewayError) -> GenerationService {
        guard case .serving(let service) = state.withLock({ $0.phase }) else {
            throw .unavailable("the verifier accepts no requests now; try again later", retryAfter: 1)
        }
        return service
    }

    private func loaded() throws(GatewayError) -> GenerationService {
        switch state.withLock({ $0.phase }) {
        case .loading: throw .unavailable("the model is being loaded; try again in a moment", retryAfter: 1)
        case .serving(let service), .draining(let service): return service
        }
    }
}

extension GatewayError {
    init(_ error: APIError) {
        self.init(
            status: HTTPResponseStatus(statusCode: error.status.code),
            type: error.type,
            message: error.message,
            retryAfter: error.retryAfter
        )
    }
}
