package import PacelineCluster

/// The verifier as the gateway needs it; a seam for tests.
package protocol GenerationBackend: Sendable {
    /// Runs a request and hands its events to `onEvent`, in order, ending with `.finished` or `.failed`.
    ///
    /// The next event waits until `onEvent` has returned. When it throws, or when the task is cancelled, the request is
    /// cancelled too.
    func generate(_ request: GenerationRequest, onEvent: (RequestEvent) async throws -> Void) async throws

    /// What every worker that is connected now has contributed since it connected.
    func connectedWorkers() async throws -> [WorkerContribution]

    /// The backend in numbers, for monitoring.
    func metrics() async throws -> MetricsText
}
