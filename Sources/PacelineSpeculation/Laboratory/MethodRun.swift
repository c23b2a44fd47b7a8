/// One method on one prompt, in stop-and-wait rounds; whoever runs it brings the target's tokens, live or recorded, or
/// its distributions.
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
    /// Draws the trees, if a p/q rule decides and the only drafter tells its distribution.
    private var drawing: DrawnDraft?
    /// The randomness of p/q rules, independent of that of drafts.
    private var chance: UniformChance
    private var proposed = DraftedTree()
    /// The generated tokens: those of plain decoding whatever the drafters do, if the rule is sample-match.
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
        var seeds = SplitMix(seed: BaseHash(prompt).rawValue ^ sampling.seed)
        chance = UniformChance(seed: seeds.next())
        let drawer = drafters.count == 1 ? drafters[0] as? any DistributionDrafter : nil
        if let drawer, let shape = DrawnShape(budget) {
            let draws = UniformChance(seed: seeds.next())
            drawing = try DrawnDraft(drawer, shape: shape, base: prompt, sampling: sampling, chance: draws)
        }
        draft = SequenceDraft(drafters: drawing == nil ? drafters : [], policy: budget.policy)
        draft.experience = experience
        try draft.begin(base: prompt, sampling: sampling)
    }

    /// What was learned about the drafters, for the next prompt.
    package var experience: DraftExperience { draft.experience }

    /// Drafts until no step pays, or draws a tree.
    ///
    /// - Returns: the tree to verify; empty if nothing was drafted.
    package mutating func propose() throws -> TokenTree {
        if var drawing {
            proposed = try drawing.draw()
            self.drawing = drawing
            return proposed.tree
        }
        while try draft.step() {}
        let tree = budget.chosen(from: draft.tree)
        proposed =
            try budget.acceptance.rejection == nil
            ? DraftedTree(tree: tree, sampled: nil, nodes: []) : DraftedTree(certain: tree)
        return tree
    }

    /// Decides about the tree that was proposed last, by the budget's rule.
    package mutating func decide(_ target: some TargetAnswers) throws -> Verdict {
        let (tree, nodes) = (proposed.tree, proposed.nodes)
        if let rule = budget.acceptance.rejection {
            let sampled = try proposed.sampled ?? SampledTree([], replacement: .with)
            var verdict = try rule.verdict(
                on: sampled,
                target: { try target.law(after: $0.map { nodes[$0] }) },
                chance: &chance
            )
            verdict.path = verdict.path.map { nodes[$0] }
            return verdict
        }
        guard budget.acceptance == .typical else {
            return try SampleMatch().verdict(on: tree) { try target.choice(after: $0) }
        }
        return try TypicalAcceptance().verdict(on: tree) { node in
            let law = try target.law(after: node)
            return TypicalAcceptance.Answer(
                choice: try target.choice(after: node),
                entropy: law.entropy,
                childProbabilities: tree.children(of: node).map { law[tree.token(of: $0)] }
            )
        }
    }

    /// Follows the target.
    ///
    /// - Parameter tokens: those of sample-match's verdict on the tree that was proposed last. What lies beyond the end
    ///   of the text or of the budget does not count.
    package mutating func take(_ tokens: [Token]) throws -> MethodRound {
        try take(tokens, path: proposed.tree.descend(tokens))
    }

    /// Follows the target.
    ///
    /// - Parameter verdict: on the tree that was proposed last, by any rule. Some give a correction that is the token
    ///   of a node; then the node was not accepted all the same.
    package mutating func take(_ verdict: Verdict) throws -> MethodRound {
        try take(verdict.tokens, path: verdict.path)
    }

    private mutating func take(_ tokens: [Token], path: [NodeIndex]) throws -> MethodRound {
        var emitted = Array(tokens.prefix(budget.tokens - self.tokens.count))
        if let end = emitted.firstIndex(where: ends.contains) { emitted = Array(emitted[...end]) }
        let (tree, accepted) = (proposed.tree, Array(path.prefix(emitted.count)))
        let isDrafted = draft.tree.descend(emitted).count > accepted.count
        let round = MethodRound(
            tree: tree,
            path: accepted,
            tokens: emitted,
            drafted: drawing == nil ? draft.tree.count : tree.count,
            isMissed: isDrafted && tree.descend(emitted).count == accepted.count
        )
        self.tokens += emitted
        isOver = self.tokens.count >= budget.tokens || emitted.last.map(ends.contains) ?? true
        proposed = DraftedTree()
        try drawing?.commit(emitted, path: accepted)
        if drawing == nil { try draft.commit(emitted) }
        return round
    }
}

/// What the target says about the tree that was proposed last; asked after a parent before it is after its children.
package protocol TargetAnswers {
    /// The distribution of the token after a node, or after the base for `nil`.
    func law(after node: NodeIndex?) throws -> TokenDistribution

    /// The target's own token there, as plain decoding would choose it.
    func choice(after node: NodeIndex?) throws -> Token
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
