package import PacelineSpeculation
import PacelineTraining

/// Drafts with an EAGLE head of any version, which reads the target's features.
///
/// The feature of position i and the token at i + 1 make one row of the head's context. So the head can draft once it
/// has the features up to the last base token but one. They come in pieces of any length, before the tokens behind them
/// or after; while some are missing the head is not ready. Behind a gap it starts afresh: what it knew before is not
/// next to what it reads then.
///
/// A constraint masks its logits as it masks the target's, so it proposes legal tokens only.
package struct EagleDrafter: Drafter {
    /// Rows that are committed at a time: after each such piece, progress is reported.
    private static let piece = 256

    /// Shared with other drafters of the same thread.
    private let network: any SelfFedNetwork
    /// What a row of features is made of.
    private let taps: [FeatureTap]
    private let compiler: ConstraintCompiler?
    /// Called after each piece of a long context.
    private let onProgress: () -> Void
    private var sampling = SamplingParameters.greedy
    /// Nil if every text is legal.
    private var text: ConstrainedText?
    /// The base.
    private var tokens: [Token] = []
    /// Nil before a row has been committed.
    private var draft: EagleDraft?
    /// Features that follow those of the draft and have not been committed.
    private var waiting: FeatureBlock?

    /// - Parameters:
    ///   - taps: what the head was trained on.
    ///   - compiler: nil if constraints make no difference to the drafter.
    package init(
        _ network: any SelfFedNetwork,
        taps: [FeatureTap],
        compiler: ConstraintCompiler? = nil,
        onProgress: @escaping () -> Void = {}
    ) {
        (self.network, self.taps) = (network, taps)
        (self.compiler, self.onProgress) = (compiler, onProgress)
    }

    package var isModelFree: Bool { false }

    /// Whether it has the feature of the last base token but one.
    package var isReady: Bool {
        let last = tokens.count - 2
        guard last >= 0, end > last else { return false }
        return draft != nil || waiting.map { $0.position <= last } ?? false
    }

    package mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        try begin(base: base, sampling: sampling, constraint: nil)
    }

    package mutating func begin(base: [Token], sampling: SamplingParameters, constraint: DraftConstraint?) throws {
        text = compiler?.text(constraint)
        text?.append(base)
        (tokens, self.sampling) = (base, sampling)
        (draft, waiting) = (nil, nil)
    }

    /// Takes the rows that it does not have. Those of another target, which no head reads, are ignored.
    package mutating func take(_ features: FeatureBlock) {
        let isFitting = taps.count * features.width == network.featureWidth
        guard isFitting, features.count > 0, features.end > end else { return }
        guard let block = features.suffix(from: end).selecting(taps) else { return }
        if block.position > end {
            (draft, waiting) = (nil, block)
        } else if waiting == nil {
            waiting = block
        } else {
            waiting?.append(block)
        }
        // A long prompt need not wait for the first step.
        if known.count >= Self.piece { commit() }
    }

    package mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        guard isReady else { return nodes.map { _ in [] } }
        commit()
        return try draft?.expand(tree, at: nodes, width: width, of: text) ?? nodes.map { _ in [] }
    }

    /// Nodes get other indices, and most of them hang below another base, so what was computed for them goes.
    package mutating func advance(_ rerooting: Rerooting) throws {
        tokens += rerooting.committed
        text?.append(rerooting.committed)
        draft?.discard()
    }

    // MARK: Features

    /// The position behind the last feature that has come.
    private var end: Int { waiting?.end ?? draft?.end ?? 0 }

    /// The positions of waiting features whose next tokens are known.
    private var known: Range<Int> {
        guard let waiting else { return 0..<0 }
        return waiting.position..<max(waiting.position, min(waiting.end, tokens.count - 1))
    }

    /// Commits all rows that can be.
    private mutating func commit() {
        guard let block = waiting, !known.isEmpty else { return }
        let rows = known
        let before = draft == nil ? Array(tokens[...block.position]) : []
        var draft = draft ?? EagleDraft(network, sampling: sampling, start: block.position, preceding: before)
        self.draft = nil
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: Self.piece) {
            let next = min(first + Self.piece, rows.upperBound)
            let numbers = (first - block.position) * block.rowLength..<(next - block.position) * block.rowLength
            let features = block.values[numbers].map(Float.init)
            draft.commit(features: features[...], tokens: Array(tokens[first + 1...next]))
            onProgress()
        }
        self.draft = draft
        waiting = rows.upperBound < block.end ? block.suffix(from: rows.upperBound) : nil
    }
}
