package import PacelineCluster

extension VerifierServer: GenerationBackend {
    package func generate(
        _ request: GenerationRequest,
        onEvent: (RequestEvent) async throws -> Void
    ) async throws {
        let handle = submit(request)
        defer { handle.cancel() }
        for await event in handle.events { try await onEvent(event) }
        try Task.checkCancellation()
    }

    package func connectedWorkers() async throws -> [WorkerContribution] {
        try await snapshot().workers.filter(\.isConnected).map { WorkerContribution($0) }
    }
}

extension WorkerContribution {
    fileprivate init(_ worker: VerifierSnapshot.Worker) {
        self.init(
            id: "\(worker.id.rawValue)",
            drafter: worker.drafter,
            numDraftTokens: worker.draftTokens,
            numAcceptedTokens: worker.acceptedTokens,
            isResting: worker.rest != nil,
            restReason: worker.lastRest.map { "\($0)" }
        )
    }
}
