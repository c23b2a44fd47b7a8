import PacelineSpeculation

/// A binary heap of merges, the one with the smallest rank and then position on top.
struct MergeQueue {
    struct Candidate {
        var rank: UInt32
        /// Index of the left symbol.
        var left: Int
        /// What the two symbols were, to tell whether the merge is still possible.
        var pair: UInt64
        var merged: Token

        func precedes(_ other: Candidate) -> Bool {
            rank == other.rank ? left < other.left : rank < other.rank
        }
    }

    private var heap: [Candidate] = []

    mutating func insert(_ candidate: Candidate) {
        heap.append(candidate)
        var index = heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].precedes(heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    mutating func popFirst() -> Candidate? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        sink(0)
        return first
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count {
                if heap[child].precedes(heap[smallest]) { smallest = child }
            }
            guard smallest != index else { return }
            heap.swapAt(index, smallest)
            index = smallest
        }
    }
}
