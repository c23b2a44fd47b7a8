import PacelineSpeculation
import PacelineWire

/// What a verifier knows at one moment of how drafts come and what they are worth: all that a forecast needs.
package struct DraftingObservation: Sendable {
    /// One kind of drafter, over all its connected workers.
    struct Kind: Sendable {
        let name: String
        /// Nil while too little is known of it.
        let drafter: DraftingModel.Drafter?
        /// Of an average worker.
        let slots: Int
        let merit: Double
        /// Its workers, as they would be shared out.
        let workers: [LinkID]
    }

    /// Sorted by name.
    let kinds: [Kind]
    let workers: [Assignment.Worker]
    let sequences: [Assignment.Request]
    let workersPerSequence: Int
    /// Without drafters.
    let model: DraftingModel
    /// Drafting was measured to be slower than plain decoding, and rests.
    let isResting: Bool
}

extension VerifierMachine {
    /// What a forecast needs to know now.
    package var draftingObservation: DraftingObservation {
        let workers = assignableWorkers
        let names = Set(workers.compactMap { links[$0.id]?.worker?.drafter }).sorted()
        let sequences = running.values.filter { $0.isDraftable && $0.prefillLeft == 0 }
        return DraftingObservation(
            kinds: names.map { kind($0, of: workers) },
            workers: workers,
            sequences: sequences.map { Assignment.Request(request: $0.request, length: $0.length) },
            workersPerSequence: min(configuration.workersPerSequence, MergedTree.workerLimit),
            model: DraftingModel(
                costs: scheduler.costs,
                policy: configuration.planning,
                extraMilliseconds: scheduler.delayBudget(decoding: sequences.count),
                depth: configuration.draft.depth,
                width: configuration.draft.width,
                drafters: []
            ),
            isResting: configuration.restsDrafting && scheduler.slowdownGuard.hasLost
        )
    }

    private func kind(_ name: String, of workers: [Assignment.Worker]) -> DraftingObservation.Kind {
        let own = workers.filter { links[$0.id]?.worker?.drafter == name && !$0.isDraining }
        let profiles = own.compactMap { links[$0.id]?.worker?.profile }
        let steps = profiles.compactMap(\.pace.stepMilliseconds)
        let trips = own.compactMap { links.roundTrip(of: $0.id)?.inMilliseconds }
        let shares = profiles.map(\.ranked).reduce(RankedAcceptance(), +).shares
        var drafter: DraftingModel.Drafter?
        if let shares, let step = steps.average, let trip = trips.average {
            drafter = DraftingModel.Drafter(shares: shares, stepMilliseconds: step, roundTripMilliseconds: trip)
        }
        return DraftingObservation.Kind(
            name: name,
            drafter: drafter,
            slots: own.map(\.slots).reduce(0, +) / max(own.count, 1),
            merit: own.map(\.merit).average ?? 0,
            workers: own.map(\.id)
        )
    }
}

extension [Double] {
    fileprivate var average: Double? { isEmpty ? nil : reduce(0, +) / Double(count) }
}
