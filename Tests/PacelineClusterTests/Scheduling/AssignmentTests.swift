import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("The assignment of workers to sequences")
struct AssignmentTests {
    /// Worker numbers to the sequences they serve, before and after the moves.
    private static func balance(
        workers: [[UInt64]],
        sequences: Int,
        slots: Int = 8,
        refused: [Int: Set<UInt64>] = [:],
        draining: Set<Int> = [],
        resting: Set<Int> = [],
        merits: [Int: Double] = [:],
        limit: Int = 16
    ) -> [Set<UInt64>] {
        var load = workers.map(Set.init)
        let moves = Assignment.moves(
            workers: workers.indices.map { index in
                Assignment.Worker(
                    id: LinkID(rawValue: UInt64(index)),
                    slots: slots,
                    requests: workers[index].map(RequestID.init),
                    refused: Set((refused[index] ?? []).map(RequestID.init)),
                    isDraining: draining.contains(index),
                    contextLength: nil,
                    isResting: resting.contains(index),
                    merit: merits[index] ?? 0
                )
            },
            sequences: (0..<sequences).map {
                Assignment.Request(request: RequestID(rawValue: UInt64($0)), length: 10)
            },
            workersPerSequence: limit
        )
        for move in moves {
            switch move {
            case .open(let request, let worker):
                let isNew = load[Int(worker.rawValue)].insert(request.rawValue).inserted
                #expect(isNew, "\(request) was opened twice")
            case .close(let request, let worker):
                #expect(load[Int(worker.rawValue)].remove(request.rawValue) != nil, "\(request) was not open")
            }
        }
        return load
    }

    private static func count(_ sequence: UInt64, _ load: [Set<UInt64>]) -> Int {
        load.count { $0.contains(sequence) }
    }

    @Test("gives all workers to a single sequence")
    func one() {
        #expect(Self.balance(workers: [[], [], []], sequences: 1) == [[0], [0], [0]])
    }

    @Test("gives every sequence a worker before any has two")
    func firstServed() {
        let load = Self.balance(workers: [[0], [0], [0]], sequences: 3)
        for sequence in 0..<3 as Range<UInt64> {
            #expect(Self.count(sequence, load) == 1)
        }
        #expect(load.allSatisfy { $0.count == 1 })
    }

    @Test("spreads more sequences than workers evenly")
    func shared() {
        let load = Self.balance(workers: [[], []], sequences: 6)
        #expect(load.map(\.count) == [3, 3])
        #expect((0..<6).allSatisfy { Self.count($0, load) == 1 })
    }

    @Test("lets a worker that joins relieve one that serves several")
    func relief() {
        let load = Self.balance(workers: [[0, 1], []], sequences: 2)
        #expect(load.map(\.count) == [1, 1])
    }

    @Test("moves nothing that is balanced")
    func stable() {
        let before: [[UInt64]] = [[0], [1], [0]]
        #expect(Self.balance(workers: before, sequences: 2) == before.map(Set.init))
    }

    @Test("replaces a worker that is gone")
    func replacement() {
        let load = Self.balance(workers: [[], [1], [1]], sequences: 2)
        #expect(Self.count(0, load) >= 1 && Self.count(1, load) >= 1)
    }

    @Test("gives nothing to a worker that drains, has refused, or is full")
    func limits() {
        #expect(Self.balance(workers: [[], []], sequences: 1, draining: [0]) == [[], [0]])
        #expect(Self.balance(workers: [[], []], sequences: 1, refused: [1: [0]]) == [[0], []])
        #expect(Self.balance(workers: [[]], sequences: 5, slots: 2).map(\.count) == [2])
    }

    @Test("gives a sequence no more workers than allowed")
    func perSequence() {
        let load = Self.balance(workers: [[], [], [], []], sequences: 1, limit: 2)
        #expect(Self.count(0, load) == 2)
    }

    @Test("gives a sequence another worker if its own rests, which then leaves")
    func slow() {
        #expect(Self.balance(workers: [[0], [1]], sequences: 2, resting: [0]) == [[0], [0, 1]])
        #expect(Self.balance(workers: [[0, 1], []], sequences: 2, resting: [0]).last == [0, 1])
        // If there is no better one it keeps its sequence.
        #expect(Self.balance(workers: [[0], [1]], sequences: 2, resting: [0, 1]) == [[0], [1]])
        #expect(Self.balance(workers: [[]], sequences: 1, resting: [0]) == [[0]])
    }

    @Test("prefers the most useful of idle workers, and the sequence with the least help")
    func merit() {
        #expect(Self.balance(workers: [[], []], sequences: 1, merits: [0: 0.5, 1: 3], limit: 1) == [[], [0]])
        let load = Self.balance(workers: [[0], [1], []], sequences: 2, merits: [0: 4, 1: 0.5])
        #expect(load == [[0], [1], [1]])
    }

    @Test("is stable: what it has moved it does not move again")
    func fixedPoint() {
        var random = SplitMix(seed: 3)
        for round in 0..<600 {
            let sequences = random.next(below: 7)
            let workers = (0..<random.next(below: 7)).map { _ in
                (0..<UInt64(sequences)).filter { _ in random.next(below: 3) == 0 }
            }
            let isMixed = round >= 300
            let resting = Set(workers.indices.filter { _ in isMixed && random.next(below: 3) == 0 })
            let merits = Dictionary(
                uniqueKeysWithValues: workers.indices.map { ($0, isMixed ? Double(random.next(below: 4)) : 0) }
            )
            let once = Self.balance(workers: workers, sequences: sequences, resting: resting, merits: merits)
            let twice = Self.balance(
                workers: once.map { $0.sorted() },
                sequences: sequences,
                resting: resting,
                merits: merits
            )
            #expect(once == twice, "from \(workers)")
            if !workers.isEmpty {
                #expect((0..<UInt64(sequences)).allSatisfy { Self.count($0, once) > 0 }, "from \(workers)")
            }
        }
    }
}
