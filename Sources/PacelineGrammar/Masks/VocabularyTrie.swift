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

    /// The nodes in depth-first order, without the root: their byte, depth, and the node behind their last descendant.
    let bytes: [UInt8]
    let depths: [UInt16]
    let ends: [Int32]
    /// The tokens in the order of their nodes, and for each node its first one; those of a subtree stand together.
    let tokens: [Token]
    let firstTokens: [Int32]
    /// The bytes of nodes whose subtrees are large, by node.
    let contents: [Int32: ByteSet]

    /// Subtrees of fewer nodes are walked and not skipped.
    private static let largeSubtree = 24

    /// - Parameters:
    ///   - tokens: the bytes of each token that stands for text. Tokens without bytes are never legal.
    ///   - endTokens: may be in no text.
    package init(
        _ tokens: [(token: Token, bytes: ArraySlice<UInt8>)],
        vocabularySize: Int,
        endTokens: Set<Token>,
        dropsFirstSpace: Bool = false
    ) {
        self.vocabularySize = vocabularySize
        self.endTokens = endTokens.sorted()
        self.dropsFirstSpace = dropsFirstSpace
        let ordered = tokens.filter { !$0.bytes.isEmpty && $0.bytes.count < 1 << 16 && !endTokens.contains($0.token) }
            .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        var layout = Layout()
        for (token, bytes) in ordered { layout.add(token, bytes) }
        layout.close(to: 0)
        (bytes, depths, ends) = (layout.bytes, layout.depths, layout.ends)
        (self.tokens, firstTokens) = (layout.tokens, layout.firstTokens + [Int32(layout.tokens.count)])
        contents = Self.contents(layout, atLeast: Self.largeSubtree)
    }

    var nodeCount: Int { bytes.count }

    /// The deepest node.
    var height: Int { depths.max().map(Int.init) ?? 0 }

    private struct Layout {
        var bytes: [UInt8] = []
        var depths: [UInt16] = []
        var ends: [Int32] = []
        var tokens: [Token] = []
        var firstTokens: [Int32] = []
        /// The nodes from the root to the last one.
        private var path: [Int] = []

        mutating func add(_ token: Token, _ text: ArraySlice<UInt8>) {
            let common = zip(path, text).prefix { bytes[$0] == $1 }.count
            close(to: common)
            for byte in text.dropFirst(common) {
                path.append(bytes.count)
                bytes.append(byte)
                depths.append(UInt16(path.count))
                ends.append(0)
                firstTokens.append(Int32(tokens.count))
            }
            tokens.append(token)
        }

        mutating func close(to depth: Int) {
            while path.count > depth { ends[path.removeLast()] = Int32(bytes.count) }
        }
    }

    private static func contents(_ layout: Layout, atLeast size: Int) -> [Int32: ByteSet] {
        var contents: [Int32: ByteSet] = [:]
        for node in layout.bytes.indices where Int(layout.ends[node]) - node >= size {
            contents[Int32(node)] = ByteSet(layout.bytes[node..<Int(layout.ends[node])])
        }
        return contents
    }
}
