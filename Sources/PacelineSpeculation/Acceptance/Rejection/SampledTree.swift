/// A tree of tokens drawn at random from known distributions: what the p/q rules need to know about a draft.
///
/// The rules are exact under conditions that a ``TokenTree`` does not require:
/// - Each token was drawn from exactly the reported distribution, after truncation and quantisation.
/// - Siblings stand in the order in which they were drawn, and with replacement as often as they were drawn.
/// - Whether a token was drawn and kept must not depend on the token itself. Pruning improbable tokens, sorting
///   siblings by probability, or stopping *before* an improbable token all make the output inexact.
package struct SampledTree: Sendable {
    package struct Node: Sendable {
        package var parent: NodeIndex?
        package var token: Token
        /// The drafter's distribution after the path to `parent`. Without replacement, the token was drawn from what
        /// earlier siblings left of it.
        package var law: TokenDistribution

        package init(parent: NodeIndex?, token: Token, law: TokenDistribution) {
            self.parent = parent
            self.token = token
            self.law = law
        }
    }

    /// How siblings were drawn.
    package enum Replacement: Sendable, Hashable {
        /// Independently of each other, so siblings may be equal.
        case with
        /// Each from what earlier siblings left.
        case without
    }

    package let nodes: [Node]
    package let replacement: Replacement
    private var childrenOfBase: [NodeIndex] = []
    private var childrenOfNodes: [[NodeIndex]]

    /// - Parameter nodes: every parent before its children; siblings in the order in which they were drawn.
    /// - Throws: ``TreeError/parentOutOfRange(parent:nodeCount:)``, and without replacement
    ///   ``TreeError/duplicateSibling(parent:token:)``.
    package init(_ nodes: [Node], replacement: Replacement) throws(TreeError) {
        self.nodes = nodes
        self.replacement = replacement
        childrenOfNodes = Array(repeating: [], count: nodes.count)
        for (index, node) in nodes.enumerated() {
            if let parent = node.parent, !(0..<index).contains(parent) {
                throw .parentOutOfRange(parent: parent, nodeCount: index)
            }
            let isKnown = children(of: node.parent).contains { nodes[$0].token == node.token }
            if isKnown, replacement == .without {
                throw .duplicateSibling(parent: node.parent, token: node.token)
            }
            if let parent = node.parent {
                childrenOfNodes[parent].append(index)
            } else {
                childrenOfBase.append(index)
            }
        }
    }

    /// A tree whose nodes are in order and, if they were drawn without replacement, whose siblings are distinct.
    init(checked nodes: [Node], replacement: Replacement = .without) {
        self.nodes = nodes
        self.replacement = replacement
        childrenOfNodes = Array(repeating: [], count: nodes.count)
        for (index, node) in nodes.enumerated() {
            if let parent = node.parent { childrenOfNodes[parent].append(index) } else { childrenOfBase.append(index) }
        }
    }

    /// The children of a node or of the base, in the order in which they were drawn.
    package func children(of node: NodeIndex?) -> [NodeIndex] {
        node.map { childrenOfNodes[$0] } ?? childrenOfBase
    }

    /// The distribution that a node's token was drawn from, given the siblings before it.
    func drawingLaw(of node: NodeIndex) -> TokenDistribution {
        guard replacement == .without else { return nodes[node].law }
        let earlier = children(of: nodes[node].parent).prefix { $0 != node }
        // An exhausted distribution cannot have yielded another token.
        return nodes[node].law.excluding(earlier.map { nodes[$0].token }) ?? nodes[node].law
    }

    /// A verdict that accepts the path to `node`.
    func verdict(acceptingPathTo node: NodeIndex?, correction: Token) -> Verdict {
        var path: [NodeIndex] = []
        var next = node
        while let node = next {
            path.append(node)
            next = nodes[node].parent
        }
        path.reverse()
        return Verdict(path: path, accepted: path.map { nodes[$0].token }, correction: correction)
    }
}
