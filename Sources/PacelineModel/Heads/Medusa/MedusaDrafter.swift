package import PacelineSpeculation
import PacelineTraining

/// Drafts with Medusa's or Hydra's heads, which read one row of the target's features.
///
/// That row is the feature of the last base token but one. It may come before the tokens behind it or after; until it
/// comes the drafter is not ready. What it knew before makes no difference, so gaps do not matter.
///
/// A constraint masks its logits as it masks the target's, so it proposes legal tokens only.
package struct MedusaDrafter: Drafter {
    /// Shared with other drafters of the same thread.
    private let network: MedusaNetwork
    /// What a row of features is made of.
    private let taps: [FeatureTap]
    private let compiler: ConstraintCompiler?
    /// Nil if every text is legal.
    private var text: ConstrainedText?
    /// Tokens of the base.
    private var count = 0
    private var draft: MedusaDraft
    /// Features of the last base token but one and of those behind it.
    private var waiting: FeatureBlock?

    /// - Parameters:
    ///   - taps: what the heads were trained on.
    ///   - compiler: nil if constraints make no difference to the drafter.
    package init(_ network: MedusaNetwork, taps: [FeatureTap], compiler: ConstraintCompiler? = nil) {
        (self.network, self.taps, self.compiler) = (network, taps, compiler)
        draft = MedusaDraft(network)
    }

    package var isModelFree: Bool { false }

    /// Whether it has the feature of the last base token but one.
    package var isReady: Bool { waiting.map { $0.position == count - 2 } ?? false }

    package mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        try begin(base: base, sampling: sampling, constraint: nil)
    }

    package mutating func begin(base: [Token], sampling: SamplingParameters, constraint: DraftConstraint?) throws {
        text = compiler?.text(constraint)
        text?.append(base)
        (count, waiting) = (base.count, nil)
        draft = MedusaDraft(network, sampling: sampling, preceding: Array(base.prefix(1)))
        draft.append(Array(base.dropFirst()))
    }

    /// Takes the rows that it does not have. Those of another target, which no head reads, are ignored.
    package mutating func take(_ features: FeatureBlock) {
        guard taps.count * features.width == network.shape.width else { return }
        let rows = features.suffix(from: waiting?.end ?? needed)
        guard rows.count > 0, let block = rows.selecting(taps) else { return }
        if waiting?.end == block.position { waiting?.append(block) } else { waiting = block }
    }

    package mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        guard isReady, let waiting else { return nodes.map { _ in [] } }
        if !draft.hasFeature { draft.read(waiting.values.prefix(waiting.rowLength).map(Float.init)) }
        return try draft.expand(tree, at: nodes, width: width, of: text)
    }

    /// What was guessed for paths below the old base is of no use below another.
    package mutating func advance(_ rerooting: Rerooting) throws {
        count += rerooting.committed.count
        text?.append(rerooting.committed)
        draft.append(rerooting.committed)
        guard let rows = waiting?.suffix(from: needed) else { return }
        waiting = rows.count > 0 ? rows : nil
    }

    /// The first position whose feature can still be of use.
    private var needed: Int { max(0, count - 2) }
}
