/// Answers `/v1/completions`.
package struct CompletionService: Sendable {
    private let generations: GenerationService
    private var model: ServedModel { generations.model }

    package init(_ generations: GenerationService) {
        self.generations = generations
    }

    /// `POST /v1/completions`
    ///
    /// - Throws: ``APIError`` if the request cannot be served.
    package func respond(to request: APIRequest) async throws -> APIReply {
        let record = generations.record
        defer { generations.log(record, of: request) }
        let planned = try PlannedCompletion(request, model: model, record: record)
        return try await generations.answer(planned.plan, planned.answer, request.tally)
    }
}
