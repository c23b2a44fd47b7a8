import PacelineSpeculation

/// Byte-pair encoding of one word: adjacent tokens join in the order of the merges' ranks, leftmost first among equals.
///
/// A queue of possible merges over a linked list makes it O(n log n), also for a word of a megabyte.
/// Source: Sennrich, Haddow, Birch 2016 (arXiv 1508.07909), on bytes as in GPT-2.
struct BytePairEncoder {
    private let merges: MergeTable
    /// The token of each single byte, where the vocabulary has one.
    private let byteTokens: [Token?]

    private var symbols: [Symbol] = []
    private var queue = Heap<PairMerge>()

    /// One token of the word so far, linked to its neighbours by index; -1 ends the list.
    private struct Symbol {
        var token: Token
        var previous: Int
        var next: Int
    }

    init(merges: MergeTable, byteTokens: [Token?]) {
        self.merges = merges
        self.byteTokens = byteTokens
    }

    /// Appends the tokens of `word`.
    ///
    /// Bytes that the vocabulary has no token for are left out first, so that what is around them may join, as in the
    /// published tokenizers.
    mutating func encode(_ word: UnsafeRawBufferPointer, into output: inout [Token]) {
        symbols.removeAll(keepingCapacity: true)
        for byte in word {
            guard let token = byteTokens[Int(byte)] else { continue }
            symbols.append(Symbol(token: token, previous: symbols.count - 1, next: symbols.count + 1))
        }
        guard !symbols.isEmpty else { return }
        symbols[symbols.count - 1].next = -1
        for index in 0..<symbols.count - 1 {
            enqueue(left: index, right: index + 1)
        }
        while let merge = queue.popFirst() {
            apply(merge)
        }
        var index = 0
        while index >= 0 {
            output.append(symbols[index].token)
            index = symbols[index].next
        }
    }

    private mutating func enqueue(left: Int, right: Int) {
        let pair = MergeTable.pair(symbols[left].token, symbols[right].token)
        guard let entry = merges.merge(pair) else { return }
        queue.insert(PairMerge(rank: entry.rank, left: left, pair: pair, merged: entry.token))
    }

    private mutating func apply(_ merge: PairMerge) {
        let left = merge.left
        let right = symbols[left].next
        // Out of date when either half has meanwhile joined another neighbour: a symbol that was merged away
        // has no successor, and one that grew has another token.
        guard right >= 0, MergeTable.pair(symbols[left].token, symbols[right].token) == merge.pair else { return }
        symbols[left].token = merge.merged
        symbols[left].next = symbols[right].next
        symbols[right].next = -1
        let next = symbols[left].next
        if next >= 0 {
            symbols[next].previous = left
            enqueue(left: left, right: next)
        }
        let previous = symbols[left].previous
        if previous >= 0 { enqueue(left: previous, right: left) }
    }
}
