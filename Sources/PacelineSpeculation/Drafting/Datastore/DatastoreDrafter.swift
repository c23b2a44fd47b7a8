/// Drafts what followed the latest tokens in a corpus: REST (He et al. 2023, arXiv 2311.08252).
///
/// For each node, the drafter looks up the last `longest` tokens in the corpus, then fewer, down to `shortest`, until
/// it has enough proposals. Their probabilities are those of ``EscapeMixture``.
///
/// Needs a corpus like the expected outputs, which `paceline datastore build` prepares for one vocabulary. Lossless.
/// Worth it where outputs quote what is known beforehand, such as a code base or a manual.
package struct DatastoreDrafter: Drafter {
    package let longest: Int
    package let shortest: Int
    private let datastore: Datastore
    private var recent: [Token] = []

    /// - Parameters:
    ///   - longest, shortest: lengths of contexts; raised to at least 1, `longest` to at least `shortest`, and lowered
    ///     below ``Datastore/depth``.
    package init(_ datastore: Datastore, longest: Int = 16, shortest: Int = 2) {
        self.datastore = datastore
        self.shortest = Swift.min(Swift.max(1, shortest), Datastore.depth - 1)
        self.longest = Swift.min(Swift.max(self.shortest, longest), Datastore.depth - 1)
    }

    package var isModelFree: Bool { true }

    package mutating func begin(base: [Token], sampling: SamplingParameters) {
        recent = base.suffix(longest)
    }

    package func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        nodes.map { node in
            let context = (recent + tree.tokens(onPathTo: node)).suffix(longest)
            var mixture = EscapeMixture()
            var length = context.count
            while length >= shortest, mixture.candidates.count < width {
                mixture.add(length: length, successors: datastore.successors(of: context.suffix(length)))
                length -= 1
            }
            return mixture.best(width)
        }
    }

    package mutating func advance(_ rerooting: Rerooting) {
        recent = (recent + rerooting.committed).suffix(longest)
    }
}
