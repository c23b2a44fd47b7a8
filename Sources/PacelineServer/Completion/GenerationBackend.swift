package import PacelineCluster

/// What the gateway needs of a verifier; tests replace it.
package protocol GenerationBackend: Sendable {
    /// Runs a request and passes its events to `onEvent`, in order, ending with `.finished` or `.failed`.
    ///
    /// The next event waits until `onEvent` has returned. If it throws or the task is cancelled, so is the request.
    func generate(_ request: GenerationRequest, onEvent: (RequestEvent) async throws -> Void) async throws

    /// The contributions of all connected workers since they connected.
    func connectedWorkers() async throws -> [WorkerContribution]
}
