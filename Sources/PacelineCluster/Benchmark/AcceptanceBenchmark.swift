package import PacelineSpeculation

/// Measures how much of what drafters propose a target accepts, without a clock or a network: stop-and-wait rounds in
/// one process.
///
/// The figures depend on the models, the prompts and the budget alone, so they can be compared between machines. Speed
/// is for the cluster benchmark.
package struct AcceptanceBenchmark {
    /// How trees are drafted.
    package struct Budget: Sendable {
        /// Nodes verified in a round.
        package var nodes = 16
        package var depth = 8
        package var width = 3
        /// What shapes trees; nil for best-first growth.
        package var planner: PlannerSettings?
        /// Tokens to generate for each prompt.
        package var tokens = 128

        package init() {}

        /// The nodes of a drafted tree that a round verifies.
        func chosen(from tree: TokenTree) -> TokenTree {
            planner?.makePlanner()?.selection(of: tree, nodes: nodes) ?? tree.subtree(keeping: nodes).tree
        }
    }

    /// What one prompt showed.
    package struct Outcome: Sendable {
        package var statistics: AcceptanceStatistics
        /// The generated tokens: those of plain decoding.
        package var tokens: [Token]
    }

    private let target: LoadedTarget
    private let drafters: any DrafterSource
    private let budget: Budget
    private let endOfGeneration: Set<Token>
    /// What earlier prompts taught about the drafters, as in a worker.
    private var experience = DraftExperience()

    package init(
        target: LoadedTarget,
        drafters: any DrafterSource,
        budget: Budget,
        endOfGeneration: Set<Token>
    ) {
        self.target = target
        self.drafters = drafters
        self.budget = budget
        self.endOfGeneration = endOfGeneration
    }

    /// Generates from one prompt.
    ///
    /// - Throws: what the engine or a drafter throws, or ``AcceptanceBenchmarkError``.
    package mutating func run(prompt: [Token], sampling: SamplingParameters) throws -> Outcome {
        let request = RequestID(rawValue: 1)
        let limit = prompt.count + budget.tokens
        guard !prompt.isEmpty, limit + budget.depth <= target.description.contextLength else {
            throw AcceptanceBenchmarkError.promptLength(
                prompt.count,
                context: target.description.contextLength,
                tokens: budget.tokens
            )
        }
        try target.engine.open(
            Pass.Opening(request: request, base: prompt, sampling: sampling, lengthLimit: limit + budget.depth)
        )
        defer { target.engine.close(request) }
        var draft = SequenceDraft(drafters: try drafters.makeDrafters(), policy: policy)
        draft.experience = experience
        try draft.begin(base: prompt, sampling: sampling)
        defer { experience = draft.experience }
        var outcome = Outcome(statistics: AcceptanceStatistics(), tokens: [])
        while outcome.tokens.count < budget.tokens {
            while try draft.step() {}
            let tree = budget.chosen(from: draft.tree)
            let verdict = try verdict(on: tree, request: request)
            outcome.statistics.record(drafted: tree.count, accepted: verdict.accepted.count)
            if append(verdict.tokens, to: &outcome.tokens) { break }
            try draft.commit(verdict.tokens)
        }
        return outcome
    }

    private var policy: GrowthPolicy {
        GrowthPolicy(
            nodes: 2 * budget.nodes,
            verified: budget.nodes,
            minimumProbability: 0,
            depth: budget.depth,
            width: budget.width,
            minimumGain: 0,
            planner: budget.planner
        )
    }

    private func verdict(on tree: TokenTree, request: RequestID) throws -> Verdict {
        let round = Round(request: request, work: .verify(tree))
        switch try target.engine.run([round], progress: ComputeProgress()).first {
        case .verified(let verdict, _): return verdict
        case .failed(let reason), .noRoom(let reason): throw AcceptanceBenchmarkError.engine(reason)
        case .prefilled, nil: throw AcceptanceBenchmarkError.engine("the engine gave no verdict")
        }
    }

    /// Appends up to the budget or the end of the text; true when that is reached.
    private func append(_ tokens: [Token], to generated: inout [Token]) -> Bool {
        for token in tokens {
            guard generated.count < budget.tokens else { return true }
            generated.append(token)
            if endOfGeneration.contains(token) { return true }
        }
        return false
    }
}

/// Why acceptance cannot be measured.
package enum AcceptanceBenchmarkError: Error, Equatable, CustomStringConvertible {
    case promptLength(Int, context: Int, tokens: Int)
    case engine(String)

    package var description: String {
        switch self {
        case .promptLength(let count, let context, let tokens):
            "a prompt of \(count) tokens and \(tokens) generated ones do not fit the context of \(context); "
                + "give 1 token or more, ask for fewer with -n, or raise --context"
        case .engine(let reason):
            "the engine failed: \(reason)"
        }
    }
}
