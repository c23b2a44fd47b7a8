package import PacelineSpeculation

/// The bytes of all ordinary tokens of a vocabulary as a tree, for walks that share common beginnings.
///
/// Immutable; one serves all grammars and threads.
package final class VocabularyTrie: Sendable {
    /// Ids are smaller.
    package let vocabularySize: Int
    /// Tokens that end a generation.
    package let endTokens: [Token]
    /// Whether a text drops the space at the beginning of its first token.
    package let dropsFirstSpace: Bool

    /// The nodes in depth-first order, without the root; behind them one that is not a node.
    let nodes: [Node]
    /// The tokens in the order of their nodes; those of a subtree stand together.
    let tokens: [Token]
    /// What is known of subtrees that are worth being skipped.
    let subtrees: [Subtree]
    /// The deepest node.
    let height: Int

    /// Where a byte of a token stands.
    struct Node {
        /// The node behind its last descendant.
        var end: Int32
        /// The place of the first token of its subtree.
        var firstToken: Int32
        /// The place of its subtree in ``VocabularyTrie/subtrees``, or -1.
        var subtree: Int32
        /// Bytes of its tokens up to here; at least 1.
        var depth: UInt16
        var byte: UInt8
    }

    /// A node and all below it.
    struct Subtree {
        var bytes: ByteSet
        /// Whether its tokens, from this node on, are whole characters; the last one of each may be cut.
        var isText: Bool
        /// Bytes of its longest token behind those of the node's parent.
        var height: Int32
    }

    /// - Parameters:
    ///   - tokens: the bytes of each token that stands for text. Tokens without bytes are never legal.
    ///   - endTokens: may be in no text.
    ///   - subtreeSize: a smaller subtree is always walked and never skipped, which changes no mask.
    package init(
        _ tokens: [(token: Token, bytes: ArraySlice<UInt8>)],
        vocabularySize: Int,
        endTokens: Set<Token>,
        dropsFirstSpace: Bool = false,
        subtreeSize: Int = 8
    ) {
        self.vocabularySize = vocabularySize
        self.endTokens = endTokens.sorted()
        self.dropsFirstSpace = dropsFirstSpace
        let ordered = tokens.filter { !$0.bytes.isEmpty && $0.bytes.count < 1 << 16 && !endTokens.contains($0.token) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        var layout = Layout()
        for (token, bytes) in ordered { layout.add(token, bytes) }
        layout.close(to: 0)
        self.tokens = layout.tokens
        height = layout.nodes.map { Int($0.depth) }.max() ?? 0
        (nodes, subtrees) = layout.sealed(subtreeSize: subtreeSize)
    }

    var nodeCount: Int { nodes.count - 1 }

    private struct Layout {
        var nodes: [Node] = []
        var tokens: [Token] = []
        /// The nodes from the root to the last one.
        private var path: [Int] = []

        mutating func add(_ token: Token, _ text: ArraySlice<UInt8>) {
            let common = zip(path, text).prefix { nodes[$0].byte == $1 }.count
            close(to: common)
            for byte in text.dropFirst(common) {
                path.append(nodes.count)
                let first = Int32(tokens.count)
                nodes.append(Node(end: 0, firstToken: first, subtree: -1, depth: UInt16(path.count), byte: byte))
            }
            tokens.append(token)
        }

        mutating func close(to depth: Int) {
            while path.count > depth { nodes[path.removeLast()].end = Int32(nodes.count) }
        }

        private static func isText(_ below: ArraySlice<Node>) -> Bool {
            var path: [CharacterBytes] = []
            let top = below.first?.depth ?? 0
            for node in below {
                path.removeLast(path.count - Int(node.depth - top))
                var progress = path.last ?? CharacterBytes()
                guard progress.take(node.byte) else { return false }
                path.append(progress)
            }
            return true
        }

        /// The nodes with the subtrees of at least some size.
        func sealed(subtreeSize: Int) -> (nodes: [Node], subtrees: [Subtree]) {
            var (sealed, subtrees) = (nodes, [Subtree]())
            for (place, node) in nodes.enumerated() where Int(node.end) - place >= subtreeSize {
                let below = nodes[place..<Int(node.end)]
                let deepest = below.lazy.map { Int32($0.depth) }.max() ?? 0
                sealed[place].subtree = Int32(subtrees.count)
                subtrees.append(
                    Subtree(
                        bytes: ByteSet(below.lazy.map(\.byte)),
                        isText: Self.isText(below),
                        height: deepest - Int32(node.depth) + 1
                    )
                )
            }
            let last = Int32(nodes.count)
            sealed.append(Node(end: last, firstToken: Int32(tokens.count), subtree: -1, depth: 0, byte: 0))
            return (sealed, subtrees)
        }
    }
}
