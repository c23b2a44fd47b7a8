package import Logging

/// What answers requests once the model is loaded.
package struct Services: Sendable {
    let model: ServedModel
    let backend: any GenerationBackend
    let completions: CompletionService

    package init(model: ServedModel, backend: any GenerationBackend, logger: Logger) {
        self.model = model
        self.backend = backend
        completions = CompletionService(model: model, backend: backend, logger: logger)
    }
}
