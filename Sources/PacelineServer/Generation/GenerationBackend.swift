package import PacelineCluster

/// What the server needs of a verifier; tests replace it.
package protocol GenerationBackend: Sendable {
    /// Begins a request.
    func begin(_ request: GenerationRequest) -> any Generation

    /// The contributions of all connected workers since they connected.
    func connectedWorkers() async throws -> [WorkerContribution]

    /// Whether the model computes, or has nothing to compute; false if it is stuck.
    func isAlive() async throws -> Bool

    /// How many generations run and wait.
    func occupancy() async throws -> Occupancy

    /// What the dashboard and traces read; nil where there is nothing to see.
    var insight: VerifierInsight? { get }
}

extension GenerationBackend {
    package var insight: VerifierInsight? { nil }
}

/// A request that runs. Dropping it cancels the request.
package protocol Generation: AnyObject, Sendable {
    /// The next event, for one task at a time; the last one is `.finished` or `.failed`, and nil follows.
    ///
    /// A call that is cancelled takes no event: the next call gets it.
    ///
    /// - Throws: `CancellationError` if the task is cancelled.
    func next() async throws -> RequestEvent?

    /// The bytes of so many more of its tokens have left for the client.
    func sent(_ tokens: Int)

    /// Ends the request; does nothing once it has ended.
    func cancel()
}

extension Generation {
    package func sent(_ tokens: Int) {}
}

/// How busy a verifier is.
package struct Occupancy: Sendable, Equatable {
    /// Generations that run, and those that wait for a slot.
    package var running: Int
    package var waiting: Int

    package init(running: Int, waiting: Int) {
        self.running = running
        self.waiting = waiting
    }
}
