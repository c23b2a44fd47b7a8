/// One method on one prompt, in stop-and-wait rounds; whoever runs it brings the target's tokens, live or recorded.
///
/// ```swift
/// while !run.isOver {
///     let tree = try run.propose()
///     let round = try run.take(verdict(on: tree).tokens)
/// }
/// ```
///
/// Without drafters this is plain decoding: every tree is empty. Not `Sendable`: it belongs to the thread that runs its
/// drafters.
package struct MethodRun {
    private let budget: MethodBudget
    private let ends: Set<Token>
    private var draft: SequenceDraft
    private var proposed: TokenTree?
    /// The generated tokens: those of plain decoding, whatever the drafters do.
    package private(set) var tokens: [Token] = []
    /// Whether the text has ended or the budget is used up.
    package private(set) var isOver: Bool

    /// - Parameters:
    ///   - drafters: preferably those without a model first.
    ///   - experience: what was learned about the same drafters on earlier prompts.
    ///   - prompt: at least one token.
    ///   - ends: tokens that end a text.
    package init(
        _ drafters: [any Drafter],
        experience: DraftExperience = DraftExperience(),
        prompt: [Token],
        sampling: SamplingParameters,
        budget: MethodBudget,
        ends: Set<Token> = []
    ) throws {
        self.budget = budget
        self.ends = ends
        isOver = budget.tokens < 1
        draft = SequenceDraft(drafters: drafters, policy: budget.policy)
        draft.experience = experience
        try draft.begin(base: prompt, sampling: sampling)
    }

    /// What was learned about the drafters, for the next prompt.
    package var experience: DraftExperience { draft.experience }

    /// Drafts until no step pays.
    ///
    /// - Returns: the tree to verify; empty if nothing was drafted.
    package mutating func propose() throws -> TokenTree {
        while try draft.step() {}
        let tree = budget.chosen(from: draft.tree)
        proposed = tree
        return tree
    }

    /// Follows the target.
    ///
    /// - Parameter tokens: the verdict's on the tree that was proposed last. What lies beyond the end of the text or of
    ///   the budget does not count.
    package mutating func take(_ tokens: [Token]) throws -> MethodRound {
        var emitted = Array(tokens.prefix(budget.tokens - self.tokens.count))
        if let end = emitted.firstIndex(where: ends.contains) { emitted = Array(emitted[...end]) }
        let tree = proposed ?? TokenTree()
        let path = tree.descend(emitted)
        let round = MethodRound(
            tree: tree,
            path: path,
            tokens: emitted,
            drafted: draft.tree.count,
            isMissed: draft.tree.descend(emitted).count > path.count
        )
        self.tokens += emitted
        isOver = self.tokens.count >= budget.tokens || emitted.last.map(ends.contains) ?? true
        proposed = nil
        try draft.commit(emitted)
        return round
    }
}

/// What one round of a method brought.
package struct MethodRound: Sendable {
    /// What was verified.
    package var tree: TokenTree
    /// The accepted nodes of the tree, from a child of the base downwards.
    package var path: [NodeIndex]
    /// What the text gained: the accepted tokens and, unless the text ends with them, the correction.
    package var tokens: [Token]
    /// Nodes that the drafters had grown; the tree has the best of them.
    package var drafted: Int
    /// Whether the correction had been drafted, but was not among the nodes that were verified.
    package var isMissed: Bool

    /// How many tokens the drafters expected to be accepted: the sum of the probabilities of all paths.
    package var expected: Double {
        tree.indices.reduce(0) { $0 + Double.exponential(tree.pathLogProbability(of: $1)) }
    }
}
