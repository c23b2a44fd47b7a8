import PacelineCluster
import PacelineSpeculation

/// A head that drafts as a model does, but not before it has the features that a real one would read. It checks every
/// row that it gets, since the mock target's features say of which text they are.
struct MockHead: Drafter {
    private var drafter: MockDrafter
    private let taps: [FeatureTap]
    private let ledger: ProposalLedger
    /// The base.
    private var tokens: [Token] = []
    /// The positions of the rows that it has. Those before a gap are forgotten.
    private var rows = 0..<0
    /// What came for positions that the base has not reached.
    private var unchecked: [FeatureBlock] = []

    init(_ drafter: MockDrafter, taps: [FeatureTap], ledger: ProposalLedger) {
        (self.drafter, self.taps, self.ledger) = (drafter, taps, ledger)
    }

    var isModelFree: Bool { false }

    /// Whether it has the row of the last base token but one.
    var isReady: Bool { rows.contains(tokens.count - 2) }

    mutating func begin(base: [Token], sampling: SamplingParameters) {
        drafter.begin(base: base, sampling: sampling)
        (tokens, rows, unchecked) = (base, 0..<0, [])
    }

    mutating func take(_ features: FeatureBlock) {
        ledger.featureRows += features.count
        guard features.taps == taps, features.width == MockFeatures.width, features.position >= 0 else {
            ledger.strayFeatures += 1
            return
        }
        if features.position > rows.upperBound {
            rows = features.position..<features.end
        } else {
            rows = rows.lowerBound..<max(rows.upperBound, features.end)
        }
        unchecked.append(features)
        check()
    }

    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        if !isReady { ledger.blindSteps += 1 }
        return try drafter.expand(tree, at: nodes, width: width)
    }

    mutating func advance(_ rerooting: Rerooting) {
        tokens += rerooting.committed
        drafter.advance(rerooting)
        check()
    }

    /// Compares the rows of known tokens with what the target computes for them, and keeps the others.
    private mutating func check() {
        unchecked = unchecked.compactMap { block in
            let end = min(block.end, tokens.count)
            guard block.position < end else { return block }
            let right = MockFeatures.block(of: tokens, at: block.position..<end, taps: taps)
            if !block.values.starts(with: right.values) { ledger.strayFeatures += 1 }
            return end < block.end ? block.suffix(from: end) : nil
        }
    }
}
