/// Lossless acceptance by comparing tokens: descends while the target's own next token was drafted.
///
/// At the base and at each accepted node, the target chooses its token exactly as it would without a tree. At
/// temperature above 0 that is the argmax of the perturbed logits, with noise keyed by absolute position. The emitted
/// tokens are those of plain decoding for every tree: partial, late, duplicated or hostile. SpecInfer (arXiv
/// 2305.09781) calls this naive sampling; for shared noise see Daliri, Musco, Suresh (arXiv 2408.07978).
package struct SampleMatch: AcceptanceRule {
    package init() {}

    package var isLossless: Bool { true }

    /// Decides about a tree; `target` answers with the target's own next token.
    package func verdict<Failure: Error>(
        on tree: TokenTree,
        target: (NodeIndex?) throws(Failure) -> Token
    ) throws(Failure) -> Verdict {
        var path: [NodeIndex] = []
        var accepted: [Token] = []
        while true {
            let token = try target(path.last)
            let first = PlantedBug.firstChildAccepted.isPlanted ? tree.children(of: path.last).first { _ in true } : nil
            guard let child = first ?? tree.child(of: path.last, token: token) else {
                return Verdict(path: path, accepted: accepted, correction: token)
            }
            path.append(child)
            accepted.append(tree.token(of: child))
        }
    }
}
