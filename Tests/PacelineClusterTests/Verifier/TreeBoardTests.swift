import PacelineSpeculation
import PacelineWire
import Testing

@testable import PacelineCluster

@Suite("The tree board")
struct TreeBoardTests {
    private let worker = LinkID(rawValue: 1)
    private let other = LinkID(rawValue: 2)

    /// A history, a board, and what goes between them.
    struct Bench {
        /// The most nodes that a worker may have outstanding.
        var ceiling = 64
        var history = BaseHistory(base: [10, 11])
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
            return board.receive(message, from: worker, ceiling: ceiling) { history.committed(since: $0) }
        }

        /// The trees of workers 1 and 2 in one, believed as those of strangers are.
        mutating func merged() -> MergedTree {
            board.merged((1...2).map { (LinkID(rawValue: $0), WorkerProfile()) })
        }

        mutating func tokens() -> [[Token]] {
            let merged = merged()
            return merged.tree.indices.map { merged.tree.tokens(onPathTo: $0) }.sorted {
                $0.lexicographicallyPrecedes($1)
            }
        }
    }

    private func node(_ parent: Int?, _ token: Token) -> TokenTree.Node {
        TokenTree.Node(parent: parent, token: token, logProbability: -0.5)
    }

    @Test("merges the trees of several workers by parent and token, and knows who proposed what")
    func merges() {
        var bench = Bench()
        #expect(bench.receive([node(nil, 1), node(0, 2)], from: worker) == .current(nodes: 2))
        #expect(bench.receive([node(nil, 5), node(nil, 1), node(1, 3)], from: other) == .current(nodes: 3))
        #expect(bench.tokens() == [[1], [1, 2], [1, 3], [5]])
        let merged = bench.merged()
        let proposers = Dictionary(
            uniqueKeysWithValues: merged.tree.indices.map { (merged.tree.tokens(onPathTo: $0), merged.proposers[$0]) }
        )
        #expect(merged.workers == [worker, other])
        #expect(proposers == [[1]: 0b11, [1, 2]: 0b01, [5]: 0b10, [1, 3]: 0b10])
    }

    @Test("extends a tree by deltas, and refuses one that leaves a gap")
    func deltas() {
        var bench = Bench()
        #expect(bench.receive([node(nil, 1)], from: worker) == .current(nodes: 1))
        #expect(bench.receive([node(0, 2)], from: worker, first: 1) == .current(nodes: 1))
        guard case .invalid = bench.receive([node(0, 3)], from: worker, first: 5) else {
            Issue.record("a gap was taken")
            return
        }
        // Nothing that follows can be placed until the worker starts over.
        #expect(bench.receive([node(0, 4)], from: worker, first: 2) == .stale)
        #expect(bench.tokens() == [[1], [1, 2]])
        #expect(bench.receive([node(nil, 7)], from: worker) == .current(nodes: 1))
        #expect(bench.tokens() == [[7]])
    }

    @Test("re-roots a tree where the committed tokens lie on it")
    func reroots() {
        var bench = Bench()
        _ = bench.receive([node(nil, 1), node(0, 2), node(1, 3), node(1, 4), node(nil, 9)], from: worker)
        bench.commit([1, 2])
        #expect(bench.tokens() == [[3], [4]])
        bench.commit([4])
        #expect(bench.tokens().isEmpty)
    }

    @Test("finds the place of deltas that crossed a verdict")
    func crossing() {
        var bench = Bench()
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
        var bench = Bench()
        let before = bench.history.mark
        _ = bench.receive([node(nil, 1), node(0, 2)], from: worker)
        bench.commit([8])
        #expect(bench.tokens().isEmpty)
        _ = bench.receive([node(1, 3)], from: worker, root: before, first: 2)
        #expect(bench.tokens().isEmpty)
    }

    @Test("takes no tree that is rooted at a base that never was", arguments: 0..<3)
    func foreign(field: Int) {
        var bench = Bench()
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
        var bench = Bench()
        let first = bench.history.mark
        for token in 0..<20 as Range<Token> { bench.commit([token]) }
        #expect(bench.receive([node(nil, 1)], from: worker, root: first) == .stale)
        let recent = bench.history.mark
        bench.commit([50])
        #expect(bench.receive([node(nil, 1)], from: worker) == .current(nodes: 1))
        #expect(bench.receive([node(nil, 50)], from: worker, root: recent) == .stale)
    }

    @Test("can be lost at any moment, which costs the trees until their workers start over")
    func lost() {
        var bench = Bench()
        _ = bench.receive([node(nil, 1)], from: worker)
        bench.board = TreeBoard(limits: TreeLimits(nodes: 512, depth: 32, vocabularySize: 100))
        bench.commit([1])
        #expect(bench.receive([node(0, 2)], from: worker, first: 1) == .stale)
        #expect(bench.tokens().isEmpty)
        #expect(bench.receive([node(nil, 3)], from: worker) == .current(nodes: 1))
        #expect(bench.receive([node(0, 4)], from: worker, first: 1) == .current(nodes: 1))
        #expect(bench.tokens() == [[3], [3, 4]])
    }

    @Test("knows which workers will add nothing before the next verdict")
    func exhausted() {
        var bench = Bench()
        #expect(bench.board.isExhausted(worker, credit: 0))
        #expect(!bench.board.isExhausted(worker, credit: 2))
        _ = bench.receive([node(nil, 1)], from: worker)
        #expect(!bench.board.isExhausted(worker, credit: 2))
        #expect(bench.board.isExhausted(worker, credit: 1))
        _ = bench.receive([], from: worker, first: 1, isFinal: true)
        #expect(bench.board.isExhausted(worker, credit: 2))
        bench.commit([1])
        #expect(!bench.board.isExhausted(worker, credit: 2), "a verdict sets it going again")
    }

    @Test("never shows a merged tree that is out of date", arguments: 0..<8 as Range<UInt64>)
    func cache(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var bench = Bench()
        var profiles = [WorkerProfile(), WorkerProfile()]
        for _ in 0..<200 {
            let index = Int(2 * random.nextUnit())
            let worker = LinkID(rawValue: UInt64(index + 1))
            switch 6 * random.nextUnit() {
            case ..<3: _ = bench.receive([node(nil, Token(3 * random.nextUnit()))], from: worker)
            case ..<4: bench.commit([Token(3 * random.nextUnit())])
            case ..<5:
                let verdict = Verdict(path: [], accepted: [], correction: Token(3 * random.nextUnit()))
                let tree = bench.board.tree(of: worker)
                profiles[index].learn(from: verdict, on: tree, isHeard: true, isJudged: true)
            default: bench.board.drop(worker)
            }
            var drafters: [(worker: LinkID, profile: WorkerProfile?)] = []
            for place in 0..<2 where random.nextUnit() < 0.8 {
                drafters.append((LinkID(rawValue: UInt64(place + 1)), random.nextUnit() < 0.8 ? profiles[place] : nil))
            }
            let shown = bench.board.merged(drafters)
            var expected = MergedTree(limits: shown.tree.limits, workers: drafters.map(\.worker))
            for (place, drafter) in drafters.enumerated() {
                let tree = bench.board.tree(of: drafter.worker)
                guard let profile = drafter.profile else { continue }
                expected.add(MergedTree.Part(tree, profile, place: place))
            }
            expected.reconcile()
            #expect(shown.workers == expected.workers && shown.proposers == expected.proposers)
            #expect(Array(shown.tree) == Array(expected.tree) && shown.probabilities == expected.probabilities)
            #expect(shown.provenProbabilities == expected.provenProbabilities)
        }
    }

    @Test("sees without merging that no proven worker's path is worth a price", arguments: 0..<8 as Range<UInt64>)
    func worthless(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        var (worthless, valuable) = (0, 0)
        for _ in 0..<100 {
            var bench = Bench()
            var drafters: [(worker: LinkID, profile: WorkerProfile?)] = []
            for place in 1...2 {
                let worker = LinkID(rawValue: UInt64(place))
                var profile = WorkerProfile()
                for _ in 0..<Int(20 * random.nextUnit()) {
                    let tree = try TokenTree([.init(parent: nil, token: 1, logProbability: -0.7)])
                    let verdict = Verdict(path: [], accepted: [], correction: Token(1 + 2 * random.nextUnit()))
                    profile.learn(from: verdict, on: tree, isHeard: true, isJudged: true)
                }
                drafters.append((worker, profile))
                _ = bench.receive([node(nil, 1), node(nil, Token(1 + place)), node(0, 4)], from: worker)
            }
            let price = random.nextUnit()
            let worth = bench.board.merged(drafters).surplus(depth: 8, over: price)
            let mayExceed = bench.board.mayExceed(price, drafters, prediction: nil)
            if !mayExceed { #expect(worth == 0) }
            if mayExceed { valuable += worth > 0 ? 1 : 0 } else { worthless += 1 }
        }
        #expect(worthless > 10 && valuable > 10, "\(worthless) worthless, \(valuable) valuable")
    }

    @Test("tells what proven workers alone would bring, whoever else drafts", arguments: 0..<20 as Range<UInt64>)
    func provenWorkers(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let places = 0..<3
        var (board, proven) = (
            MergedTree(limits: TreeLimits(), workers: []), MergedTree(limits: TreeLimits(), workers: [])
        )
        for place in places {
            var tree = TokenTree()
            for index in 0..<12 {
                let parent = index == 0 ? nil : Int(Double(index) * random.nextUnit())
                _ = try? tree.append(.init(parent: parent, token: Token(4 * random.nextUnit()), logProbability: -1))
            }
            let probabilities = tree.map { _ in random.nextUnit() }
            let isProven = random.nextUnit() < 0.5
            let part = MergedTree.Part(tree: tree, probabilities: probabilities, isProven: isProven, place: place)
            board.add(part)
            if isProven { proven.add(part) }
        }
        board.reconcile()
        proven.reconcile()
        // The nodes come in another order, and so do the terms of the sum.
        #expect(abs(board.surplus(depth: 32, over: 0.1) - proven.surplus(depth: 32, over: 0.1)) < 1e-12)
    }

    @Test("ignores a tree beyond its worker's credit until a new one begins")
    func credit() {
        var bench = Bench(ceiling: 2)
        #expect(bench.receive([node(nil, 1), node(nil, 2), node(nil, 3)], from: worker) == .overCredit)
        #expect(bench.receive([node(nil, 1)], from: worker, first: 0) == .current(nodes: 1))
        #expect(bench.receive([node(nil, 2), node(nil, 3)], from: worker, first: 1) == .overCredit)
    }

    @Test("lets the probabilities of siblings add up to 1 at most, even if several workers are certain")
    func siblings() throws {
        var bench = Bench()
        _ = bench.receive([node(nil, 1), node(0, 7)], from: worker)
        _ = bench.receive([node(nil, 2)], from: other)
        var sure = WorkerProfile()
        for _ in 0..<20 {
            let verdict = Verdict(path: [], accepted: [1], correction: 7)
            sure.learn(from: verdict, on: bench.board.tree(of: worker), isHeard: true, isJudged: false)
        }
        let alone = bench.board.merged([(worker, sure)])
        #expect(alone.probabilities.allSatisfy { $0 > 0.8 })
        let both = bench.board.merged([(worker, sure), (other, sure)])
        #expect(both.tree.map(\.token) == [1, 7, 2])
        #expect(abs(both.probabilities[0] - 0.5) < 1e-12 && abs(both.probabilities[2] - 0.5) < 1e-12)
        #expect(both.probabilities[1] == alone.probabilities[1])
    }

    @Test("refuses nodes that break a rule together with earlier ones")
    func rules() {
        var bench = Bench()
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

    @Test("forgets a worker's tree, and keeps the others'")
    func removal() {
        var bench = Bench()
        _ = bench.receive([node(nil, 1)], from: worker)
        _ = bench.receive([node(nil, 2)], from: other)
        bench.board.drop(worker)
        #expect(bench.tokens() == [[2]])
        #expect(bench.merged().proposers == [0b10])
        let alone = bench.board.merged([(other, WorkerProfile())])
        #expect(alone.proposers == [0b01], "bits are places among the workers that are asked for")
    }
}
