package import PacelineSpeculation
import PacelineTensor
import PacelineTraining

/// Drafting with an EAGLE head of any version for one sequence: its context, and what it has drafted behind the
/// committed tokens.
///
/// With c committed rows the tokens t_0 to t_c are known, and the features up to f_{c-1}. A drafted token's row reads
/// the head's own guess instead of the target's feature, and sees the committed rows and those of the tokens before it.
/// Its keys and values are worth nothing once the target's features are known, so committing drops all of them.
///
/// A value: a copy drafts on by itself. The network's buffers are shared, so copies stay on one thread.
package struct EagleDraft: FeatureDraft {
    /// A drafted row that has been computed.
    private struct Computed {
        /// In the context.
        let slot: Int
        /// What it guesses.
        let feature: [Float]
    }

    /// Rows of a pass over committed tokens, at most.
    private static let chunk = 256

    private let network: any SelfFedNetwork
    private var sampler: Sampler
    private var context: FloatKeyValues
    /// The position of the first row.
    private let start: Int
    /// Up to the one at the first row's position.
    private let preceding: [Token]
    private var tokens: [Token] = []
    /// The last committed row; nil before there is one.
    private var base: Computed?
    /// By node of the tree below the committed tokens.
    private var computed: [NodeIndex: Computed] = [:]

    /// - Parameters:
    ///   - sampling: the target's parameters; the head shares its noise, which depends on the tokens' own positions.
    ///   - start: the position of the first feature that will be committed, if those before it are missing.
    ///   - preceding: the tokens up to that position, as far as they are known; penalties depend on them.
    package init(
        _ network: any SelfFedNetwork,
        sampling: SamplingParameters = .greedy,
        start: Int = 0,
        preceding: [Token] = []
    ) {
        (self.network, self.start) = (network, start)
        let columns = LogitColumns(network.vocabulary.tokens.targetTokens.map(Token.init))
        sampler = Sampler(parameters: sampling, columns: columns, isa: network.compute.isa)
        self.preceding = Array(preceding.suffix(sampler.recentLength))
        context = network.emptyContext
    }

    /// The number of committed rows.
    package var count: Int { tokens.count }

    /// The position of the feature that is to be committed next.
    package var end: Int { start + count }

    /// Appends rows of the target's features and the tokens after them; drops what has been drafted.
    ///
    /// - Parameters:
    ///   - features: tokens × width. The first row is the feature of the position after those of earlier calls.
    ///   - tokens: row i is the token at the position after that of feature i.
    package mutating func commit(features: ArraySlice<Float>, tokens new: [Token]) {
        precondition(features.count == new.count * network.featureWidth, "a token has the feature before it")
        guard !new.isEmpty else { return discard() }
        discard()
        let features = network.fused(features)
        let width = features.count / new.count
        for first in stride(from: 0, to: new.count, by: Self.chunk) {
            let part = first..<min(first + Self.chunk, new.count)
            let rows = part.map { index in
                let place = features.startIndex + index * width
                let row = tokens.count + index - first
                return SelfFedRow(
                    feature: features[place..<place + width],
                    token: new[index],
                    position: start + row,
                    view: .init(base: row + 1, path: [])
                )
            }
            let guesses = network.forward(rows, context: &context)
            tokens += new[part]
            base = Computed(slot: tokens.count - 1, feature: guesses.row(rows.count - 1))
        }
    }

    /// Forgets the drafted rows.
    package mutating func discard() {
        context.truncate(to: tokens.count)
        computed = [:]
    }

    /// Proposes children for nodes of a tree below the committed tokens, whose nodes keep their indices until the next
    /// commit.
    ///
    /// - Parameters:
    ///   - nodes: nil is the last committed token. Ancestors that have not been computed are.
    ///   - width: the most children to propose for each node.
    ///   - legal: for each of `nodes`, what may be proposed; nil for any token.
    /// - Returns: for each of `nodes`, the best first; nothing before the first commit.
    /// - Throws: ``LogitError`` if the weights or features give logits that are not finite.
    package mutating func expand(
        _ tree: TokenTree,
        at nodes: [NodeIndex?],
        width: Int,
        legal: [LegalTokens]? = nil
    ) throws(LogitError) -> [[Candidate]] {
        guard !nodes.isEmpty, let base else { return nodes.map { _ in [] } }
        compute(Set(nodes.flatMap { tree.path(to: $0) }), of: tree, behind: base)
        let logits = network.logits(of: nodes.map { ($0.flatMap { computed[$0] } ?? base).feature })
        var proposals: [[Candidate]] = []
        for (index, node) in nodes.enumerated() {
            let path = tree.tokens(onPathTo: node)
            proposals.append(
                try sampler.candidates(
                    logits,
                    row: index,
                    position: end + 1 + path.count,
                    recent: recent(path),
                    count: width,
                    legal: legal?[index] ?? .all
                )
            )
        }
        return proposals
    }

    /// Runs nodes that have not been run, level by level: a row reads what its parent's row guessed.
    private mutating func compute(_ nodes: Set<NodeIndex>, of tree: TokenTree, behind base: Computed) {
        let missing = nodes.filter { computed[$0] == nil }
        let levels = Dictionary(grouping: missing.sorted()) { tree.depth(of: $0) }
        for (depth, level) in levels.sorted(by: { $0.key < $1.key }) {
            let first = context.count
            let rows = level.enumerated().map { index, node in
                let parent = tree.parent(of: node)
                let ancestors = tree.path(to: parent).compactMap { computed[$0]?.slot }
                return SelfFedRow(
                    feature: (parent.flatMap { computed[$0] } ?? base).feature[...],
                    token: tree.token(of: node),
                    position: end + depth - 1,
                    view: .init(base: tokens.count, path: ancestors + [first + index])
                )
            }
            let guesses = network.forward(rows, context: &context)
            for (index, node) in level.enumerated() {
                computed[node] = Computed(slot: first + index, feature: guesses.row(index))
            }
        }
    }

    private func recent(_ path: [Token]) -> ArraySlice<Token> {
        let length = sampler.recentLength
        guard length > 0 else { return [] }
        let known = tokens.suffix(length)
        let before = preceding.suffix(max(0, length - known.count))
        return (before + known + path).suffix(length)
    }
}
