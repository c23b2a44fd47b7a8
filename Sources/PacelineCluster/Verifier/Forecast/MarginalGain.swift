import PacelineSpeculation

/// What one more worker would bring, by drafter.
package struct MarginalGain: Sendable, Equatable {
    package let drafter: String
    /// Tokens that all running sequences together would get in a second, more than now.
    package let tokensPerSecond: Double

    /// Kinds of drafters that a forecast is made for.
    private static let kindLimit = 8

    /// The gain for each kind of drafter of which enough is known. Nothing is said of others: of a kind without a
    /// connected worker, or whose workers have not drafted long enough to be judged.
    ///
    /// The new worker gets the sequences that ``Assignment`` would give it now. A worker that rests counts as none, and
    /// while drafting rests altogether another worker brings nothing.
    package static func forecast(_ observation: DraftingObservation) -> [MarginalGain] {
        // Names come from workers, so there might be many; those with the most workers matter.
        let judged = observation.kinds.filter { $0.drafter != nil }
        let known = judged.sorted { $0.workers.count > $1.workers.count }.prefix(kindLimit).sorted { $0.name < $1.name }
        var model = observation.model
        model.drafters = known.compactMap(\.drafter)
        let present = workers(observation.workers, observation, known)
        let now = model.tokensPerSecond(sequences: observation.sequences.count, workers: present)
        return known.enumerated().map { index, kind in
            let gain =
                observation.isResting
                ? 0 : tokensPerSecond(with: kind, index, observation, known, model) - now
            return MarginalGain(drafter: kind.name, tokensPerSecond: max(0, gain))
        }
    }

    private static func tokensPerSecond(
        with kind: DraftingObservation.Kind,
        _ index: Int,
        _ observation: DraftingObservation,
        _ known: [DraftingObservation.Kind],
        _ model: DraftingModel
    ) -> Double {
        let id = LinkID(rawValue: .max)
        let newcomer = Assignment.Worker(
            id: id,
            slots: kind.slots,
            requests: [],
            refused: [],
            isDraining: false,
            contextLength: nil,
            merit: kind.merit
        )
        var workers = observation.workers + [newcomer]
        let moves = Assignment.moves(
            workers: workers,
            sequences: observation.sequences,
            workersPerSequence: observation.workersPerSequence
        )
        for move in moves {
            switch move {
            case .open(let request, let worker): update(worker, of: &workers) { $0.append(request) }
            case .close(let request, let worker): update(worker, of: &workers) { $0.removeAll { $0 == request } }
            }
        }
        let all = Self.workers(workers, observation, known, newcomer: (id, index))
        return model.tokensPerSecond(sequences: observation.sequences.count, workers: all)
    }

    private static func update(_ id: LinkID, of workers: inout [Assignment.Worker], _ body: (inout [RequestID]) -> Void)
    {
        guard let index = workers.firstIndex(where: { $0.id == id }) else { return }
        body(&workers[index].requests)
    }

    /// Workers as the model knows them, without those that rest or of which too little is known. Of several workers
    /// with one drafter a sequence has the first. The others draft the same line, and little beside it.
    private static func workers(
        _ workers: [Assignment.Worker],
        _ observation: DraftingObservation,
        _ known: [DraftingObservation.Kind],
        newcomer: (id: LinkID, kind: Int)? = nil
    ) -> [DraftingModel.Worker] {
        var served = Array(repeating: Set<Int>(), count: known.count)
        return workers.compactMap { worker in
            let isNew = worker.id == newcomer?.id
            guard isNew || !worker.isResting,
                let kind = isNew ? newcomer?.kind : known.firstIndex(where: { $0.workers.contains(worker.id) })
            else { return nil }
            let places = worker.requests.compactMap { request in
                observation.sequences.firstIndex { $0.request == request }
            }
            return DraftingModel.Worker(drafter: kind, sequences: places.filter { served[kind].insert($0).inserted })
        }
    }
}
