package import Logging
import PacelineCluster

/// What answers requests once the model is loaded.
package struct Services: Sendable {
    let backend: any GenerationBackend
    let chat: ChatService
    let completions: CompletionService
    let tokens: TokenService
    let models: ModelService
    /// Equal for servers that can go on with each other's answers.
    let generation: String
    /// Nil where there is nothing to trace.
    let traces: TraceService?

    /// - Parameter build: the server's name and version.
    package init(
        model: ServedModel,
        backend: any GenerationBackend,
        build: String = "paceline",
        logger: Logger
    ) {
        self.backend = backend
        let generations = GenerationService(model: model, backend: backend, logger: logger)
        chat = ChatService(generations)
        completions = CompletionService(generations)
        tokens = TokenService(model)
        models = ModelService(model, backend: backend, build: build)
        generation = model.generation
        traces = backend.insight.map { TraceService($0.traces, model: model) }
    }
}
