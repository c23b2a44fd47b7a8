package import PacelineSpeculation

/// Leaves out what a constraint does not allow of another drafter's proposals.
package struct LegalDrafter: Drafter {
    private var inner: any Drafter
    private let compiler: ConstraintCompiler
    /// Nil if every text is legal.
    private var text: ConstrainedText?

    /// - Parameter inner: a drafter that makes no use of constraints.
    package init(_ inner: any Drafter, _ compiler: ConstraintCompiler) {
        (self.inner, self.compiler) = (inner, compiler)
    }

    package var isModelFree: Bool { inner.isModelFree }
    package var isReady: Bool { inner.isReady }

    package mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        try begin(base: base, sampling: sampling, constraint: nil)
    }

    package mutating func begin(base: [Token], sampling: SamplingParameters, constraint: DraftConstraint?) throws {
        text = compiler.text(constraint)
        text?.append(base)
        try inner.begin(base: base, sampling: sampling)
    }

    package mutating func take(_ features: FeatureBlock) { inner.take(features) }

    package mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        let proposals = try inner.expand(tree, at: nodes, width: width)
        guard let text else { return proposals }
        return zip(nodes, proposals).map { node, candidates in
            let legal = text.legalTokens(behind: tree.tokens(onPathTo: node))
            return candidates.filter { legal.contains($0.token) }
        }
    }

    package mutating func advance(_ rerooting: Rerooting) throws {
        text?.append(rerooting.committed)
        try inner.advance(rerooting)
    }
}
