import PacelineModel
import PacelineSpeculation
import PacelineTensor

/// The laboratory's way into the engine: trees are decided by any acceptance rule. The verifier has no way here, so
/// in the cluster nothing that a worker says can matter to a token.
extension TransformerEngine {
    /// Computes a tree below the base of a sequence, lets a rule decide about it, and commits what it accepts.
    ///
    /// - Parameter rule: gets the target's answers.
    /// - Throws: ``LaboratoryError``, or what `rule` throws.
    func verify(
        _ tree: TokenTree,
        of request: RequestID,
        by rule: (EngineAnswers) throws -> Verdict
    ) throws -> Verdict {
        var rows: [PassRow] = []
        var (logitRows, scoredRows) = (0, 0)
        let round = Round(request: request, work: .verify(tree))
        let placement = try place(round, rows: &rows, logitRows: &logitRows, scoredRows: &scoredRows)
        // A rule that is asked about nodes that were not computed would be wrong.
        guard let sequence = sequences[request], placement.tree?.nodes.count == tree.count else {
            throw LaboratoryError.engine("there is no room for a tree of \(tree.count) nodes; use --nodes to lower it")
        }
        let logits = transformer.forward(rows)
        let answers = EngineAnswers(
            sampler: sequence.sampler,
            base: sequence.tokens,
            tree: tree,
            logits: logits,
            firstRow: placement.logitRow
        )
        let verdict = try rule(answers)
        _ = try finish(request, placement, Reading(verdict: verdict))
        return verdict
    }
}

/// The target's answers about the nodes of one pass.
struct EngineAnswers: TargetAnswers {
    let sampler: Sampler
    let base: [Token]
    let tree: TokenTree
    let logits: FloatMatrix
    /// The row of the logits that belongs to the base; those of the nodes follow.
    let firstRow: Int

    func law(after node: NodeIndex?) throws -> TokenDistribution {
        try ask(node) { try sampler.distribution(logits, row: $0, position: $1, recent: $2) }
    }

    func choice(after node: NodeIndex?) throws -> Token {
        try ask(node) { try sampler.nextToken(logits, row: $0, position: $1, recent: $2) }
    }

    private func ask<Answer>(
        _ node: NodeIndex?,
        _ question: (_ row: Int, _ position: Int, _ recent: ArraySlice<Token>) throws -> Answer
    ) rethrows -> Answer {
        let text = base + tree.tokens(onPathTo: node)
        let row = firstRow + (node.map { $0 + 1 } ?? 0)
        return try question(row, text.count, text.suffix(sampler.recentLength))
    }
}
