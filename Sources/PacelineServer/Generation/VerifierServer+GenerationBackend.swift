package import PacelineCluster

extension VerifierServer: GenerationBackend {
    package func begin(_ request: GenerationRequest) -> any Generation {
        submit(request)
    }

    package func connectedWorkers() async throws -> [WorkerContribution] {
        try await snapshot().workers.filter(\.isConnected).map { WorkerContribution($0) }
    }

    package func isAlive() async throws -> Bool {
        try await isComputeAlive()
    }

    package func occupancy() async throws -> Occupancy {
        let snapshot = try await snapshot()
        return Occupancy(running: snapshot.running, waiting: snapshot.waiting)
    }
}

extension RequestHandle: Generation {
    package func next() async throws -> RequestEvent? {
        // All iterators of a request take from one buffer.
        var events = events.makeAsyncIterator()
        let event = await events.next()
        if event == nil { try Task.checkCancellation() }
        return event
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
