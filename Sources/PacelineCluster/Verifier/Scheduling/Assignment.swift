import PacelineSpeculation

/// Decides which worker drafts for which sequence. It says what to open and close when workers or sequences come and
/// go, and when a worker starts or ends a rest.
///
/// Every sequence should have a worker before any has two. Idle workers join the sequence with the least help, and
/// relieve workers that serve several. A worker that rests does not count where others could draft. It keeps its
/// sequences until a better worker has them, so that it can prove itself. Only what improves the balance is moved,
/// because a move costs the drafter its cache.
struct Assignment: Sendable {
    struct Worker: Sendable {
        var id: LinkID
        /// Sequences it may serve at once.
        var slots: Int
        /// Sequences it serves now.
        var requests: [RequestID]
        /// Sequences it must not be given.
        var refused: Set<RequestID>
        /// Takes nothing new.
        var isDraining: Bool
        /// Longest sequence it can draft for; nil for any.
        var contextLength: Int?
        /// Its drafts were not accepted, so that it has next to no credit.
        var isResting = false
        /// Tokens that a verdict accepts from it on average; 0 if nothing is known of it.
        var merit = 0.0
    }

    struct Request: Sendable {
        var request: RequestID
        var length: Int
    }

    enum Move: Equatable, Sendable {
        case open(RequestID, at: LinkID)
        case close(RequestID, at: LinkID)
    }

    private var workers: [Worker]
    private let sequences: [Request]
    private let workersPerSequence: Int
    private var moves: [Move] = []

    private init(workers: [Worker], sequences: [Request], workersPerSequence: Int) {
        self.workers = workers
        self.sequences = sequences
        self.workersPerSequence = workersPerSequence
    }

    /// The moves that improve the balance, in the order to make them.
    static func moves(workers: [Worker], sequences: [Request], workersPerSequence: Int) -> [Move] {
        var assignment = Assignment(workers: workers, sequences: sequences, workersPerSequence: workersPerSequence)
        assignment.serveUnserved()
        assignment.employIdle()
        assignment.relieveShared()
        return assignment.moves
    }

    /// Gives a worker to every sequence without one: an idle worker, else one that another sequence can spare, else the
    /// one with the fewest sequences. Among equals it takes the most useful. It takes a resting worker only if all that
    /// could serve the sequence rest.
    private mutating func serveUnserved() {
        for sequence in sequences where drafting(for: sequence.request) == 0 {
            let fit = workers.indices.filter { canTake($0, sequence) }
            let fresh = fit.filter { !workers[$0].isResting }
            let able = fresh.isEmpty && count(of: sequence.request) == 0 ? fit : fresh
            guard let least = able.min(by: isPreferred) else { continue }
            if !workers[least].requests.isEmpty, let (worker, spared) = spareable(among: able) {
                close(spared, at: worker)
                open(sequence.request, at: worker)
            } else {
                open(sequence.request, at: least)
            }
        }
    }

    /// Sets idle workers, the most useful first, to the sequences with the least help, where they take over from a
    /// worker that serves several.
    private mutating func employIdle() {
        for worker in workers.indices.sorted(by: isPreferred) where workers[worker].requests.isEmpty {
            let open = sequences.filter { canTake(worker, $0) && count(of: $0.request) < workersPerSequence }
            guard let neediest = open.min(by: { share(of: $0.request) < share(of: $1.request) }) else { continue }
            let burdened = workers.indices.first {
                workers[$0].requests.contains(neediest.request) && workers[$0].requests.count > 1
            }
            if let burdened, !workers[worker].isResting { close(neediest.request, at: burdened) }
            self.open(neediest.request, at: worker)
        }
    }

    /// Takes sequences from workers that have several, if another worker drafts for them too.
    private mutating func relieveShared() {
        for worker in workers.indices {
            for request in workers[worker].requests where workers[worker].requests.count > 1 {
                let others = drafting(for: request) - (workers[worker].isResting ? 0 : 1)
                if others > 0 { close(request, at: worker) }
            }
        }
    }

    /// Whether the first worker should rather be given a sequence than the second.
    private func isPreferred(_ one: Int, _ other: Int) -> Bool {
        let (one, other) = (workers[one], workers[other])
        if one.requests.count != other.requests.count { return one.requests.count < other.requests.count }
        if one.isResting != other.isResting { return other.isResting }
        return one.merit == other.merit ? one.id < other.id : one.merit > other.merit
    }

    /// How much help a sequence has: the sum of its workers' merits, each divided by the sequences that the worker
    /// serves. A worker that nothing is known of counts as an average one.
    private func share(of request: RequestID) -> Double {
        workers.reduce(0) { sum, worker in
            guard worker.requests.contains(request), !worker.isResting else { return sum }
            return sum + (worker.merit > 0 ? worker.merit : averageMerit) / Double(worker.requests.count)
        }
    }

    private var averageMerit: Double {
        let known = workers.map(\.merit).filter { $0 > 0 }
        return known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
    }

    /// Workers of a sequence that do not rest.
    private func drafting(for request: RequestID) -> Int {
        workers.count { $0.requests.contains(request) && !$0.isResting }
    }

    private func count(of request: RequestID) -> Int {
        workers.reduce(0) { $1.requests.contains(request) ? $0 + 1 : $0 }
    }

    private func canTake(_ worker: Int, _ sequence: Request) -> Bool {
        let worker = workers[worker]
        let isDraining = worker.isDraining && !PlantedBug.drainedWorkerUsed.isPlanted
        let slots = PlantedBug.workerSlotsIgnored.isPlanted ? .max : worker.slots
        return !isDraining && worker.requests.count < slots
            && !worker.requests.contains(sequence.request) && !worker.refused.contains(sequence.request)
            && sequence.length < worker.contextLength ?? .max
    }

    /// A worker, and a sequence of it that has others.
    private func spareable(among able: [Int]) -> (worker: Int, request: RequestID)? {
        for worker in able {
            if let request = workers[worker].requests.first(where: { drafting(for: $0) > 1 }) {
                return (worker, request)
            }
        }
        return nil
    }

    private mutating func open(_ request: RequestID, at worker: Int) {
        workers[worker].requests.append(request)
        moves.append(.open(request, at: workers[worker].id))
    }

    private mutating func close(_ request: RequestID, at worker: Int) {
        workers[worker].requests.removeAll { $0 == request }
        moves.append(.close(request, at: workers[worker].id))
    }
}
