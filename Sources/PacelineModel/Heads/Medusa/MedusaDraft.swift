package import PacelineSpeculation
import PacelineTensor
import PacelineTraining

/// Drafting with Medusa's or Hydra's heads for one sequence.
///
/// With the tokens t_0 to t_c committed, all heads read the feature f_{c-1}, and head d guesses the children of nodes
/// at depth d. In Medusa these have the same children, whatever the path to them: a head runs once for a base. In
/// Hydra it runs once for a path. Nodes as deep as there are heads have no children.
///
/// A value: a copy drafts on by itself. The network's buffers are shared, so copies stay on one thread.
package struct MedusaDraft: FeatureDraft {
    /// What the guess of a head depends on, below one base.
    private struct Place: Hashable {
        let head: Int
        /// Between the base and the guess; none in Medusa.
        let path: [Token]
    }

    /// A head's guess.
    private struct Guess {
        /// (1, draft tokens)
        let logits: FloatMatrix
        /// The best tokens by their number, where they depend on nothing else.
        var best: [Int: [Candidate]] = [:]
    }

    private let network: MedusaNetwork
    private var sampler: Sampler
    /// Those that are committed, as far as they are known.
    private var tokens: [Token]
    package private(set) var end: Int
    /// Of the last position but one; nil if it is missing.
    private var feature: [Float]?
    private var guesses: [Place: Guess] = [:]

    /// - Parameters:
    ///   - sampling: the target's parameters; the heads share its noise, which depends on the tokens' own positions.
    ///   - start: the position of the first feature that will be committed, if those before it are missing.
    ///   - preceding: the tokens up to that position, as far as they are known; penalties depend on them.
    package init(
        _ network: MedusaNetwork,
        sampling: SamplingParameters = .greedy,
        start: Int = 0,
        preceding: [Token] = []
    ) {
        (self.network, end, tokens) = (network, start, preceding)
        let columns = LogitColumns(network.vocabulary.tokens.targetTokens.map(Token.init))
        sampler = Sampler(parameters: sampling, columns: columns, isa: network.compute.isa)
    }

    package mutating func commit(features: ArraySlice<Float>, tokens new: [Token]) {
        precondition(features.count == new.count * network.shape.width, "a token has the feature before it")
        guard !new.isEmpty else { return }
        append(new)
        read(Array(features.suffix(network.shape.width)))
    }

    /// Appends tokens whose features are missing; drops what has been drafted.
    package mutating func append(_ new: [Token]) {
        guard !new.isEmpty else { return }
        tokens += new
        end += new.count
        (feature, guesses) = (nil, [:])
    }

    /// Takes the feature of the token before the last one.
    package mutating func read(_ feature: [Float]) {
        precondition(feature.count == network.shape.width, "a feature of the target")
        (self.feature, guesses) = (feature, [:])
    }

    /// Whether it has the feature that it needs to draft.
    package var hasFeature: Bool { feature != nil }

    package mutating func expand(
        _ tree: TokenTree,
        at nodes: [NodeIndex?],
        width: Int,
        legal: [LegalTokens]? = nil
    ) throws(LogitError) -> [[Candidate]] {
        let paths = nodes.map { tree.tokens(onPathTo: $0) }
        guard let feature else { return paths.map { _ in [] } }
        compute(paths, feature)
        var proposals: [[Candidate]] = []
        for (index, path) in paths.enumerated() {
            proposals.append(try candidates(behind: path, width, legal?[index]))
        }
        return proposals
    }

    /// The best tokens behind a path, for which a head has run if there is one.
    private mutating func candidates(
        behind path: [Token],
        _ count: Int,
        _ legal: LegalTokens?
    ) throws(LogitError) -> [Candidate] {
        let place = place(path)
        guard let guess = guesses[place] else { return [] }
        let isShared = legal == nil && sampler.recentLength == 0
        if isShared, let known = guess.best[count] { return known }
        let found = try sampler.candidates(
            guess.logits,
            row: 0,
            position: end + 1 + path.count,
            recent: recent(path),
            count: count,
            legal: legal ?? .all
        )
        if isShared { guesses[place]?.best[count] = found }
        return found
    }

    /// Runs heads for paths for which they have not run, each once.
    private mutating func compute(_ paths: [[Token]], _ feature: [Float]) {
        var missing = [[Place]](repeating: [], count: network.shape.heads)
        for path in paths where path.count < network.shape.heads {
            let place = place(path)
            guard guesses[place] == nil, !missing[place.head].contains(place) else { continue }
            missing[place.head].append(place)
        }
        let base = tokens.suffix(1)
        for (head, places) in missing.enumerated() where !places.isEmpty {
            let rows = places.map { MedusaNetwork.Row(feature: feature[...], tokens: base + $0.path) }
            let found = network.guesses(head, rows)
            let logits = network.logits(of: places.indices.map(found.row))
            for (row, place) in places.enumerated() { guesses[place] = Guess(logits: FloatMatrix(logits.row(row))) }
        }
    }

    private func place(_ path: [Token]) -> Place {
        Place(head: path.count, path: network.shape.readsTokens ? path : [])
    }

    private func recent(_ path: [Token]) -> ArraySlice<Token> {
        let length = sampler.recentLength
        guard length > 0 else { return [] }
        return (tokens.suffix(length) + path).suffix(length)
    }
}
