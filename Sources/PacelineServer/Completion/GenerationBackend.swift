package import PacelineCluster

/// What the server needs of a verifier; tests replace it.
package protocol GenerationBackend: Sendable {
    /// Begins a request.
    func begin(_ request: GenerationRequest) -> any Generation

    /// The contributions of all connected workers since they connected.
    func connectedWorkers() async throws -> [WorkerContribution]
}

/// A request that runs. Dropping it cancels the request.
package protocol Generation: AnyObject, Sendable {
    /// The next event, for one task at a time; the last one is `.finished` or `.failed`, and nil follows.
    ///
    /// - Throws: `CancellationError` if the task is cancelled.
    func next() async throws -> RequestEvent?

    /// Ends the request; does nothing once it has ended.
    func cancel()
}
