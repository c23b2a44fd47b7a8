import PacelineModel
import PacelineSpeculation

/// Random tokens, and random features of all of them for a ``SmallHead``.
struct CapturedText {
    var tokens: [Token]
    let features: FeatureBlock

    init(seed: UInt64, count: Int, taps: [FeatureTap] = SmallHead.target.taps) {
        var numbers = SplitMix(seed: seed)
        tokens = (0..<count).map { _ in Token(numbers.next(below: SmallHead.vocabularySize)) }
        var block = FeatureBlock(position: 0, taps: taps, width: SmallHead.width)
        for _ in 0..<count { block.append(row: numbers.values(block.rowLength)) }
        features = block
    }

    func rows(_ range: Range<Int>) -> FeatureBlock {
        let (first, end) = (range.lowerBound * features.rowLength, range.upperBound * features.rowLength)
        return FeatureBlock(
            position: range.lowerBound,
            taps: features.taps,
            width: features.width,
            values: Array(features.values[first..<end])
        )
    }

    /// A draft that has committed rows, part by part.
    func draft(
        _ network: EagleNetwork,
        _ sampling: SamplingParameters = .greedy,
        parts: [Range<Int>]
    ) -> EagleDraft {
        let start = parts.first?.lowerBound ?? 0
        var draft = EagleDraft(network, sampling: sampling, start: start, preceding: Array(tokens[...start]))
        for part in parts {
            let values = rows(part).values.map(Float.init)
            draft.commit(features: values[...], tokens: Array(tokens[part.lowerBound + 1...part.upperBound]))
        }
        return draft
    }
}

extension Drafter {
    /// Begins with the first tokens of a text.
    mutating func begin(
        _ text: CapturedText,
        _ count: Int,
        _ sampling: SamplingParameters = .greedy
    ) throws {
        try begin(base: Array(text.tokens[..<count]), sampling: sampling)
    }

    /// The base grows by some of its tokens.
    mutating func follow(_ text: CapturedText, _ range: Range<Int>, _ tree: TokenTree = TokenTree()) throws {
        try advance(tree.reroot(after: Array(text.tokens[range])))
    }

    /// What it proposes below its base, level by level.
    mutating func levels(width: Int = 2) throws -> [[Candidate]] {
        try TokenTree.levels { tree, nodes in try expand(tree, at: nodes, width: width) }
    }
}

extension FeatureDraft {
    mutating func levels(width: Int = 2) throws -> [[Candidate]] {
        try TokenTree.levels { tree, nodes in try expand(tree, at: nodes, width: width, legal: nil) }
    }
}

extension TokenTree {
    /// Grows a tree of three levels and returns all proposals that it was made of.
    fileprivate static func levels(
        _ expand: (TokenTree, [NodeIndex?]) throws -> [[Candidate]]
    ) throws -> [[Candidate]] {
        var (tree, frontier) = (TokenTree(), [NodeIndex?.none])
        var all: [[Candidate]] = []
        for _ in 0..<3 {
            let proposals = try expand(tree, frontier)
            all += proposals
            var next: [NodeIndex?] = []
            for (node, candidates) in zip(frontier, proposals) {
                for candidate in candidates {
                    let (token, logProbability) = (candidate.token, candidate.logProbability)
                    next.append(try tree.append(.init(parent: node, token: token, logProbability: logProbability)))
                }
            }
            frontier = next
        }
        return all
    }
}
