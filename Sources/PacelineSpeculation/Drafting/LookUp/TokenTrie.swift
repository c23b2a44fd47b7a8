/// Passages of texts as a trie of counts, in bounded memory. When it is full, all counts are halved and what falls to 0
/// is forgotten: rare and old passages go first.
struct TokenTrie: Sendable {
    private struct Node: Sendable {
        var count: Int32
        var firstChild: Int32 = -1
        var nextSibling: Int32 = -1
        var token: Token
    }

    /// A node and its entry in the table of children take about this many bytes.
    static let bytesPerNode = 48

    /// The most nodes, the root included.
    let capacity: Int
    private var nodes = [Node(count: 0, token: 0)]
    private var children: [UInt64: Int32] = [:]

    /// - Parameter memory: the most bytes to take, about; room for 64 nodes at least.
    init(memory: Int) {
        capacity = Swift.min(Swift.max(64, memory / Self.bytesPerNode), Int(Int32.max) - 1)
    }

    var count: Int { nodes.count }

    /// Counts a passage and all its beginnings.
    mutating func add(_ passage: some Collection<Token>) {
        while nodes.count + passage.count > capacity, nodes.count > 1 { forget() }
        var node = 0
        for token in passage.prefix(capacity - 1) {
            node = child(of: node, token) ?? link(token, below: node)
            nodes[node].count = Swift.min(nodes[node].count, Int32.max - 1) + 1
        }
    }

    /// What followed a passage, the most frequent first, and the latest first among equals.
    func successors(of passage: some Sequence<Token>) -> [(token: Token, count: Int)] {
        var node = 0
        for token in passage {
            guard let next = child(of: node, token) else { return [] }
            node = next
        }
        var successors: [(token: Token, count: Int)] = []
        var next = nodes[node].firstChild
        while next >= 0 {
            successors.append((nodes[Int(next)].token, Int(nodes[Int(next)].count)))
            next = nodes[Int(next)].nextSibling
        }
        // Children are listed latest first, and sorting is stable.
        return successors.sorted { $0.count > $1.count }
    }

    private func child(of node: Int, _ token: Token) -> Int? {
        children[Self.key(node, token)].map { Int($0) }
    }

    private mutating func link(_ token: Token, below parent: Int) -> Int {
        let index = nodes.count
        nodes.append(Node(count: 0, nextSibling: nodes[parent].firstChild, token: token))
        nodes[parent].firstChild = Int32(index)
        children[Self.key(parent, token)] = Int32(index)
        return index
    }

    /// Halves all counts. A node never has a larger count than its parent, so what remains is connected.
    private mutating func forget() {
        var smaller = TokenTrie(capacity: capacity)
        var moved = [Int](repeating: -1, count: nodes.count)
        moved[0] = 0
        // Parents come before their children.
        for parent in nodes.indices where moved[parent] >= 0 {
            var siblings: [Int] = []
            var next = nodes[parent].firstChild
            while next >= 0 {
                siblings.append(Int(next))
                next = nodes[Int(next)].nextSibling
            }
            for child in siblings.reversed() where nodes[child].count > 1 {
                let index = smaller.link(nodes[child].token, below: moved[parent])
                smaller.nodes[index].count = nodes[child].count / 2
                moved[child] = index
            }
        }
        self = smaller
    }

    private init(capacity: Int) {
        self.capacity = capacity
    }

    private static func key(_ node: Int, _ token: Token) -> UInt64 {
        UInt64(node) << 32 | UInt64(token)
    }
}
