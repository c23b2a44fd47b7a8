import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("The tree board")
struct TreeBoardTests {
    private let worker = LinkID(rawValue: 1)
    private let other = LinkID(rawValue: 2)

    /// A history, a board with two workers, and what goes between them.
    struct Bench {
        var history = BaseHistory(prompt: [10, 11])
        var board = TreeBoard(limits: TreeLimits(nodes: 512, depth: 32, vocabularySize: 100))

        mutating func commit(_ tokens: [Token]) {
            history.commit(tokens)
            board.commit(tokens)
        }

        mutating func receive(
            _ nodes: [TokenTree.Node],
            from worker: LinkID,
            root: BaseMark? = nil,
            first: Int = 0,
            isFinal: Bool = false
        ) -> TreeBoard.Receipt {
            let root = root ?? history.mark
            let message = Message.Tree(
                request: 1,
                epoch: root.epoch,
                baseLength: root.length,
                baseHash: root.hash,
                firstNode: first,
                nodes: nodes,
                isFinal: isFinal
            )
            let history = history
            return board.receive(message, from: worker) { history.committed(since: $0) }
        }

        /// All trees in one, each node with even odds.
        var merged: MergedTree {
            board.merged { _, tree in tree.map { _ in 0.5 } }
        }

        func tokens() -> [[Token]] {
            let merged = merged
            return merged.tree.indices.map { merged.tree.tokens(onPathTo: $0) }.sorted {
                $0.lexicographicallyPrecedes($1)
            }
        }
    }

    private func bench(credit: Int = 64) -> Bench {
        var bench = Bench()
        bench.board.add(worker, credit: credit)
        bench.board.add(other, credit: credit)
        return bench
    }

    private func node(_ parent: Int?, _ token: Token) -> TokenTree.Node {
        TokenTree.Node(parent: parent, token: token, logProbability: -0.5)
    }

    @Test("merges the trees of several workers by parent and token, and knows who proposed what")
    func merges() {
        var bench = bench()
        #expect(bench.receive([node(nil, 1), node(0, 2)], from: worker) == .current(nodes: 2))
        #expect(bench.receive([node(nil, 5), node(nil, 1), node(1, 3)], from: other) == .current(nodes: 3))
        #expect(bench.tokens() == [[1], [1, 2], [1, 3], [5]])
        let merged = bench.merged
        let proposers = Dictionary(
            uniqueKeysWithValues: merged.tree.indices.map { (merged.tree.tokens(onPathTo: $0), merged.proposers[$0]) }
        )
        #expect(proposers == [[1]: 0b11, [1, 2]: 0b01, [5]: 0b10, [1, 3]: 0b10])
    }

    @Test("goes on with a tree by deltas, and refuses one that leaves a gap")
    func deltas() {
        var bench = bench()
        #expect(bench.receive([node(nil, 1)], from: worker) == .current(nodes: 1))
        #expect(bench.receive([node(0, 2)], from: worker, first: 1) == .current(nodes: 1))
        guard case .invalid = bench.receive([node(0, 3)], from: worker, first: 5) else {
            Issue.record("a gap was taken")
            return
        }
        // Whatever follows hangs in the air, until the worker begins anew.
        #expect(bench.receive([node(0, 4)], from: worker, first: 2) == .stale)
        #expect(bench.tokens() == [[1], [1, 2]])
        #expect(bench.receive([node(nil, 7)], from: worker) == .current(nodes: 1))
        #expect(bench.tokens() == [[7]])
    }

    @Test("re-roots a tree where the committed tokens lie on it")
    func reroots() {
        var bench = bench()
        _ = bench.receive([node(nil, 1), node(0, 2), node(1, 3), node(1, 4), node(nil, 9)], from: worker)
        bench.commit([1, 2])
        #expect(bench.tokens() == [[3], [4]])
        bench.commit([4])
        #expect(bench.tokens().isEmpty)
    }

    @Test("finds the place of deltas that a verdict overtook")
    func crossing() {
        var bench = bench()
        let before = bench.history.mark
        _ = bench.receive([node(nil, 1)], from: worker)
        bench.commit([1, 2])
        #expect(bench.tokens().isEmpty)
        // Drafted before the verdict: node 1 is the correction, node 2 hangs below it.
        let receipt = bench.receive([node(0, 2), node(1, 3)], from: worker, root: before, first: 1)
        #expect(receipt == .rerooted(nodes: 2))
        #expect(bench.tokens() == [[3]])
    }

    @Test("drops a tree that the committed tokens have left")
    func leaves() {
        var bench = bench()
        let before = bench.history.mark
        _ = bench.receive([node(nil, 1), node(0, 2)], from: worker)
        bench.commit([8])
        #expect(bench.tokens().isEmpty)
        _ = bench.receive([node(1, 3)], from: worker, root: before, first: 2)
        #expect(bench.tokens().isEmpty)
    }

    @Test("takes no tree that is rooted at a base that never was", arguments: 0..<3)
    func foreign(field: Int) {
        var bench = bench()
        bench.commit([1])
        var root = bench.history.mark
        switch field {
        case 0: root.epoch += 1
        case 1: root.length += 1
        default: root.hash = BaseHash([4, 4, 4])
        }
        #expect(bench.receive([node(nil, 1)], from: worker, root: root) == .stale)
        #expect(bench.tokens().isEmpty)
    }

    @Test("takes no tree that is rooted too long ago, nor one older than the worker's last")
    func old() {
        var bench = bench()
        let first = bench.history.mark
        for token in 0..<20 as Range<Token> { bench.commit([token]) }
        #expect(bench.receive([node(nil, 1)], from: worker, root: first) == .stale)
        let recent = bench.history.mark
        bench.commit([50])
        #expect(bench.receive([node(nil, 1)], from: worker) == .current(nodes: 1))
        #expect(bench.receive([node(nil, 50)], from: worker, root: recent) == .stale)
    }

    @Test("takes nothing from a worker that was not asked")
    func stranger() {
        var bench = bench()
        #expect(bench.receive([node(nil, 1)], from: LinkID(rawValue: 9)) == .stale)
    }

    @Test("ignores a tree beyond its worker's credit until a new one begins")
    func credit() {
        var bench = bench(credit: 2)
        #expect(bench.receive([node(nil, 1), node(nil, 2), node(nil, 3)], from: worker) == .overCredit)
        #expect(bench.receive([node(nil, 1)], from: worker, first: 0) == .current(nodes: 1))
        #expect(bench.receive([node(nil, 2), node(nil, 3)], from: worker, first: 1) == .overCredit)
    }

    @Test("takes what was drafted under an earlier, larger credit, also before the sequence was opened anew")
    func earlierCredit() {
        var bench = Bench()
        bench.board.add(worker, credit: 3)
        #expect(bench.board.grant(1, to: worker) == 1)
        #expect(bench.receive([node(nil, 1), node(nil, 2), node(nil, 3)], from: worker) == .current(nodes: 3))
        bench.board.remove(worker)
        bench.board.add(worker, credit: 0, ceiling: 3)
        #expect(bench.receive([node(nil, 1), node(nil, 2), node(nil, 3)], from: worker) == .current(nodes: 3))
        #expect(bench.receive([node(nil, 4)], from: worker, first: 3) == .overCredit)
    }

    @Test("owes a worker without credit all verdicts when it has some again, or when they have become many")
    func withheld() {
        var board = bench(credit: 8).board
        #expect(board.grant(8, to: worker) == 1)
        #expect(board.grant(0, to: worker) == 1, "it must know that it may not draft")
        for _ in 0..<5 { #expect(board.grant(0, to: worker) == 0) }
        #expect(board.grant(4, to: worker) == 6)
        #expect(board.grant(4, to: worker) == 1)
        let told = (0..<1_000).map { _ in board.grant(0, to: worker) }
        #expect(told.max() == BaseHistory.limit)
        #expect(told.reduce(0, +) + board.grant(1, to: worker) == 1_001)
    }

    @Test("believes of siblings that different workers are sure of no more than that one of them is right")
    func siblings() {
        var bench = bench()
        _ = bench.receive([node(nil, 1), node(0, 7)], from: worker)
        _ = bench.receive([node(nil, 2)], from: other)
        let merged = bench.board.merged { [worker] id, tree in tree.map { _ in id == worker ? 0.9 : 0.6 } }
        let expected: [Token: Double] = [1: 0.9 / 1.5, 2: 0.6 / 1.5, 7: 0.9]
        #expect(merged.tree.map(\.token) == [1, 7, 2])
        for (node, belief) in zip(merged.tree, merged.probabilities) {
            #expect(abs(belief - (expected[node.token] ?? 0)) < 1e-12)
        }
    }

    @Test("refuses nodes that break a rule only together with earlier ones")
    func rules() {
        var bench = bench()
        _ = bench.receive([node(nil, 1)], from: worker)
        guard case .invalid = bench.receive([node(nil, 1)], from: worker, first: 1) else {
            Issue.record("a second sibling with the same token was taken")
            return
        }
        guard case .invalid = bench.receive([node(nil, 100)], from: other) else {
            Issue.record("a token beyond the vocabulary was taken")
            return
        }
    }

    @Test("forgets a worker that leaves, and keeps the others' trees")
    func removal() {
        var bench = bench()
        _ = bench.receive([node(nil, 1)], from: worker)
        _ = bench.receive([node(nil, 2)], from: other)
        bench.board.remove(worker)
        #expect(bench.tokens() == [[2]])
        let merged = bench.merged
        #expect(merged.proposers == [0b01], "bits are places on the board as it is")
    }
}
