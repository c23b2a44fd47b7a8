/// Which worker drafts for which sequence: decides what to open and close when workers or sequences come and go.
///
/// Every sequence should have a worker before any has two; idle workers join the sequence with the fewest; a worker
/// that serves several sequences is relieved by idle ones. Only what improves the balance is moved, because a move
/// costs the drafter its cache.
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
    }

    struct Sequence: Sendable {
        var request: RequestID
        var length: Int
    }

    enum Move: Equatable, Sendable {
        case open(RequestID, at: LinkID)
        case close(RequestID, at: LinkID)
    }

    private var workers: [Worker]
    private let sequences: [Sequence]
    private let workersPerSequence: Int
    private var moves: [Move] = []

    private init(workers: [Worker], sequences: [Sequence], workersPerSequence: Int) {
        self.workers = workers
        self.sequences = sequences
        self.workersPerSequence = workersPerSequence
    }

    /// The moves that improve the balance, in the order to make them.
    static func moves(workers: [Worker], sequences: [Sequence], workersPerSequence: Int) -> [Move] {
        var assignment = Assignment(workers: workers, sequences: sequences, workersPerSequence: workersPerSequence)
        assignment.serveUnserved()
        assignment.employIdle()
        assignment.relieveShared()
        return assignment.moves
    }

    /// Gives every sequence without a worker one: an idle one, else one that another sequence can spare, else the one
    /// with the fewest sequences.
    private mutating func serveUnserved() {
        for sequence in sequences where count(of: sequence.request) == 0 {
            let able = workers.indices.filter { canTake($0, sequence) }
            guard let least = able.min(by: { workers[$0].requests.count < workers[$1].requests.count }) else {
                continue
            }
            if !workers[least].requests.isEmpty, let (worker, spared) = spareable(among: able) {
                close(spared, at: worker)
                open(sequence.request, at: worker)
            } else {
                open(sequence.request, at: least)
            }
        }
    }

    /// Sets idle workers to the sequences with the fewest, where they take over from a worker that serves several.
    private mutating func employIdle() {
        for worker in workers.indices where workers[worker].requests.isEmpty {
            let open = sequences.filter { canTake(worker, $0) && count(of: $0.request) < workersPerSequence }
            guard let neediest = open.min(by: { share(of: $0.request) < share(of: $1.request) }) else { continue }
            let burdened = workers.indices.first {
                workers[$0].requests.contains(neediest.request) && workers[$0].requests.count > 1
            }
            if let burdened { close(neediest.request, at: burdened) }
            self.open(neediest.request, at: worker)
        }
    }

    /// Takes from workers with several sequences those that have another worker too.
    private mutating func relieveShared() {
        for worker in workers.indices {
            for request in workers[worker].requests where workers[worker].requests.count > 1 && count(of: request) > 1 {
                close(request, at: worker)
            }
        }
    }

    /// How much of a worker a sequence has: its workers, each divided by the sequences it serves.
    private func share(of request: RequestID) -> Double {
        workers.reduce(0) { $1.requests.contains(request) ? $0 + 1 / Double($1.requests.count) : $0 }
    }

    private func count(of request: RequestID) -> Int {
        workers.reduce(0) { $1.requests.contains(request) ? $0 + 1 : $0 }
    }

    private func canTake(_ worker: Int, _ sequence: Sequence) -> Bool {
        let worker = workers[worker]
        return !worker.isDraining && worker.requests.count < worker.slots
            && !worker.requests.contains(sequence.request) && !worker.refused.contains(sequence.request)
            && sequence.length < worker.contextLength ?? .max
    }

    /// A worker, and a sequence of it that has others.
    private func spareable(among able: [Int]) -> (worker: Int, request: RequestID)? {
        for worker in able {
            if let request = workers[worker].requests.first(where: { count(of: $0) > 1 }) { return (worker, request) }
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
