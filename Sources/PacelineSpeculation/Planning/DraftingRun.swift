/// One run of a ``DraftingModel``.
struct DraftingRun {
    private struct Worker {
        let kind: Int
        var sessions: [ModelSession]
        /// The session whose turn was last.
        var last = 0
        /// When the next turn can begin.
        var freeAt = 0.0
        /// Commits that the worker is to learn of, in order.
        var inbox: [(at: Double, session: Int, position: Int)] = []
    }

    private let model: DraftingModel
    private var workers: [Worker]
    /// Committed tokens of each sequence.
    private var positions: [Int]
    private var truth: DraftTruth
    private var random = SplitMix(seed: 1)
    /// The running average of the probability below which a node is not worth its place in a pass.
    private var price = 0.0
    private(set) var now = 0.0
    private(set) var tokens = 0.0

    init(_ model: DraftingModel, sequences: Int, workers: [DraftingModel.Worker]) {
        self.model = model
        self.workers = workers.map { worker in
            let own = worker.sequences.filter { (0..<sequences).contains($0) }
            return Worker(kind: worker.drafter, sessions: own.map { ModelSession(sequence: $0) })
        }
        positions = Array(repeating: 0, count: sequences)
        truth = DraftTruth(model.drafters.map(\.shares), sequences: sequences)
    }

    mutating func run(passes: Int) {
        for _ in 0..<passes {
            let trees = readTrees()
            let plan = DraftingPlan(trees, model, price: price)
            price += (plan.price - price) * 0.2
            now += plan.milliseconds
            for worker in workers.indices { draft(worker, until: now) }
            commit(plan.accepted)
        }
    }

    /// What the verifier has of each sequence: of several trees the one that covers most.
    private mutating func readTrees() -> [DraftingPlan.Tree?] {
        var best = [(kind: Int, covered: Int, levels: Int)?](repeating: nil, count: positions.count)
        for worker in workers.indices {
            for index in workers[worker].sessions.indices {
                workers[worker].sessions[index].receive(now: now)
                let session = workers[worker].sessions[index]
                var cover = session.arrived
                // Nothing is left of a tree that the target left, or took as a whole.
                cover.follow(positions[session.sequence])
                guard cover.levels > 0, cover.count >= best[session.sequence]?.covered ?? 0 else { continue }
                best[session.sequence] = (workers[worker].kind, cover.count, cover.levels)
            }
        }
        return best.enumerated().map { sequence, tree in
            guard let tree else { return nil }
            let ranks = (0..<tree.levels).map { level in
                level < tree.covered ? truth.rank(at: positions[sequence] + level, in: sequence, tree.kind) : nil
            }
            return DraftingPlan.Tree(kind: tree.kind, ranks: ranks)
        }
    }

    private mutating func commit(_ accepted: [Int]) {
        for (sequence, count) in accepted.enumerated() {
            positions[sequence] += count + 1
            tokens += Double(count + 1)
        }
        for worker in workers.indices {
            let arrival = now + model.drafters[workers[worker].kind].roundTripMilliseconds / 2
            for (index, session) in workers[worker].sessions.enumerated() {
                workers[worker].inbox.append((arrival, index, positions[session.sequence]))
            }
        }
    }

    /// Lets a worker take all turns that begin before a time.
    private mutating func draft(_ worker: Int, until end: Double) {
        let drafter = model.drafters[workers[worker].kind]
        while workers[worker].freeAt < end {
            readInbox(of: worker, until: workers[worker].freeAt)
            guard let session = nextSession(of: worker, drafter) else {
                // Nothing to do until the next verdict.
                let next = workers[worker].inbox.first.map { max($0.at, workers[worker].freeAt) } ?? end
                workers[worker].freeAt = min(next, end)
                continue
            }
            let done = workers[worker].freeAt + drafter.stepMilliseconds * (0.8 + 0.4 * random.nextUnit())
            workers[worker].last = session
            workers[worker].freeAt = done
            let sequence = workers[worker].sessions[session].sequence
            let extent = covers(next: workers[worker].sessions[session].drafted, sequence, workers[worker].kind)
            workers[worker].sessions[session].grow(covers: extent, arrival: done + drafter.roundTripMilliseconds / 2)
        }
    }

    private mutating func readInbox(of worker: Int, until time: Double) {
        var read = 0
        while read < workers[worker].inbox.count, workers[worker].inbox[read].at <= time {
            let letter = workers[worker].inbox[read]
            workers[worker].sessions[letter.session].follow(letter.position)
            read += 1
        }
        workers[worker].inbox.removeFirst(read)
    }

    /// The session whose turn is next, of those whose trees it pays to grow.
    private func nextSession(of worker: Int, _ drafter: DraftingModel.Drafter) -> Int? {
        let count = workers[worker].sessions.count
        guard count > 0 else { return nil }
        for offset in 1...count {
            let session = (workers[worker].last + offset) % count
            let levels = workers[worker].sessions[session].drafted.levels
            var promise = 1.0
            for _ in 0..<levels { promise *= drafter.shares.first ?? 0 }
            if levels < model.depth, promise >= GrowthPolicy().minimumGain { return session }
        }
        return nil
    }

    /// Whether a turn adds the next token of the target's text to a tree.
    private mutating func covers(next cover: TextCover, _ sequence: Int, _ kind: Int) -> Bool {
        guard cover.count <= cover.levels else { return false }
        let path = truth.probability(of: cover.root...(cover.root + cover.count), in: sequence, kind)
        return path > 0 && path >= DraftingPlan.leastProbability(price: price)
    }
}
