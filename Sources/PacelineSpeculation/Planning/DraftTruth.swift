/// The target's text, as drafters see it: the rank of each token among a drafter's children; nil where it is none.
struct DraftTruth {
    private let shares: [[Double]]
    private var ranks: [[[Int?]]]
    private var sources: [[SplitMix]]

    init(_ shares: [[Double]], sequences: Int) {
        self.shares = shares
        ranks = Array(repeating: Array(repeating: [], count: sequences), count: shares.count)
        sources = shares.indices.map { kind in
            (0..<sequences).map { SplitMix(seed: UInt64(kind) << 32 | UInt64($0 + 1)) }
        }
    }

    mutating func rank(at position: Int, in sequence: Int, _ kind: Int) -> Int? {
        while ranks[kind][sequence].count <= position {
            var draw = sources[kind][sequence].nextUnit()
            let rank = shares[kind].firstIndex { share in
                draw -= share
                return draw < 0
            }
            ranks[kind][sequence].append(rank)
        }
        return ranks[kind][sequence][position]
    }

    /// The probability of a stretch of the text, as the drafter reports it; 0 if some of it is none of its children.
    mutating func probability(of stretch: ClosedRange<Int>, in sequence: Int, _ kind: Int) -> Double {
        var product = 1.0
        for position in stretch {
            guard let rank = rank(at: position, in: sequence, kind) else { return 0 }
            product *= shares[kind][rank]
        }
        return product
    }
}
