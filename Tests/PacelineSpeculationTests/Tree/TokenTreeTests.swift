import PacelineSpeculation
import Testing

@Suite("Token tree")
struct TokenTreeTests {
    @Test("derives depths, paths, children and path probabilities as a naive walk over the parents does")
    func derivedValues() throws {
        var generator = SplitMix(seed: 2)
        for _ in 0..<200 {
            let tree = try TokenTree.random(using: &generator)
            for node in tree.indices {
                var naive: [NodeIndex] = [node]
                while let parent = tree[naive[0]].parent { naive.insert(parent, at: 0) }
                #expect(tree.path(to: node) == naive)
                #expect(tree.depth(of: node) == naive.count)
                #expect(tree.tokens(onPathTo: node) == naive.map { tree[$0].token })
                #expect(tree.pathLogProbability(of: node) == naive.reduce(0) { $0 + Double(tree[$1].logProbability) })
                #expect(tree.descend(tree.tokens(onPathTo: node)) == naive)
            }
            for parent in [nil] + tree.indices.map(Optional.some) {
                let naive = tree.indices.filter { tree[$0].parent == parent }
                #expect(Array(tree.children(of: parent)) == naive)
                for token in 0..<Token(7) {
                    #expect(tree.child(of: parent, token: token) == naive.first { tree[$0].token == token })
                }
            }
        }
    }

    @Test("is rebuilt from its list of nodes")
    func rebuilt() throws {
        var generator = SplitMix(seed: 3)
        for _ in 0..<100 {
            let tree = try TokenTree.random(using: &generator)
            #expect(try TokenTree(Array(tree)) == tree)
        }
    }

    @Test("has nothing on the path to the base")
    func base() {
        let tree = TokenTree()
        #expect(tree.isEmpty)
        #expect(tree.path(to: nil).isEmpty)
        #expect(tree.depth(of: nil) == 0)
        #expect(tree.pathLogProbability(of: nil) == 0)
        #expect(tree.descend([1, 2]).isEmpty)
    }

    @Test("insert merges by parent and token, and reports whether the node is new")
    func insertMerges() throws {
        var tree = TokenTree()
        let first = try tree.insert(.init(parent: nil, token: 4, logProbability: -1))
        let again = try tree.insert(.init(parent: nil, token: 4, logProbability: -2))
        let below = try tree.insert(.init(parent: first.index, token: 4, logProbability: -3))
        #expect(first == (0, true))
        #expect(again == (0, false))
        #expect(below == (1, true))
        #expect(tree[0].logProbability == -1)
        #expect(tree.count == 2)
    }
}

@Suite("Token tree limits")
struct TokenTreeLimitsTests {
    @Test("one node too many is refused, and the tree stays unchanged")
    func tooManyNodes() throws {
        var tree = TokenTree(limits: TreeLimits(nodes: 2))
        try tree.append(.init(parent: nil, token: 0, logProbability: 0))
        try tree.append(.init(parent: nil, token: 1, logProbability: 0))
        let full = tree
        #expect(throws: TreeError.tooManyNodes(limit: 2)) {
            try tree.append(.init(parent: nil, token: 2, logProbability: 0))
        }
        #expect(tree == full)
    }

    @Test("by default 512 nodes and 32 levels fit, but no more")
    func defaults() throws {
        var wide = TokenTree()
        for token in 0..<Token(512) { try wide.append(.init(parent: nil, token: token, logProbability: -1)) }
        #expect(throws: TreeError.tooManyNodes(limit: 512)) {
            try wide.append(.init(parent: nil, token: 512, logProbability: -1))
        }
        var deep = TokenTree()
        var last: NodeIndex?
        for _ in 0..<32 { last = try deep.append(.init(parent: last, token: 0, logProbability: -1)) }
        #expect(throws: TreeError.tooDeep(depth: 33, limit: 32)) {
            try deep.append(.init(parent: last, token: 0, logProbability: -1))
        }
    }

    @Test("a parent must come before its child", arguments: [-1, 1, 2, Int.max, Int.min])
    func parentOutOfRange(parent: Int) throws {
        var tree = try TokenTree([.init(parent: nil, token: 0, logProbability: 0)])
        let node = TokenTree.Node(parent: parent, token: 1, logProbability: 0)
        #expect(throws: TreeError.parentOutOfRange(parent: parent, nodeCount: 1)) { try tree.append(node) }
        #expect(throws: TreeError.parentOutOfRange(parent: parent, nodeCount: 1)) { try tree.insert(node) }
    }

    @Test("siblings are distinct; equal tokens below different parents are not siblings")
    func duplicateSibling() throws {
        var tree = TokenTree()
        try tree.append(.init(parent: nil, token: 7, logProbability: 0))
        try tree.append(.init(parent: 0, token: 7, logProbability: 0))
        #expect(throws: TreeError.duplicateSibling(parent: nil, token: 7)) {
            try tree.append(.init(parent: nil, token: 7, logProbability: -1))
        }
        #expect(throws: TreeError.duplicateSibling(parent: 0, token: 7)) {
            try tree.append(.init(parent: 0, token: 7, logProbability: -1))
        }
    }

    @Test("tokens must lie in the vocabulary if it is known")
    func vocabulary() throws {
        var tree = TokenTree(limits: TreeLimits(vocabularySize: 100))
        try tree.append(.init(parent: nil, token: 99, logProbability: 0))
        #expect(throws: TreeError.tokenOutOfVocabulary(token: 100, vocabularySize: 100)) {
            try tree.append(.init(parent: nil, token: 100, logProbability: 0))
        }
        var unknown = TokenTree()
        try unknown.append(.init(parent: nil, token: .max, logProbability: 0))
    }

    @Test("log-probabilities are finite and at most zero", arguments: [Float(0.1), Float.infinity, -Float.infinity])
    func logProbability(value: Float) {
        var tree = TokenTree()
        #expect(throws: TreeError.invalidLogProbability(value)) {
            try tree.append(.init(parent: nil, token: 0, logProbability: value))
        }
    }

    @Test("NaN is not a log-probability, but the lowest finite number is")
    func extremeLogProbabilities() throws {
        var tree = TokenTree()
        #expect(throws: TreeError.self) { try tree.append(.init(parent: nil, token: 0, logProbability: .nan)) }
        var last: NodeIndex?
        for _ in 0..<32 {
            last = try tree.append(.init(parent: last, token: 0, logProbability: -.greatestFiniteMagnitude))
        }
        #expect(tree.pathLogProbability(of: last).isFinite)
    }

    @Test("errors name in one sentence what was allowed and what came")
    func descriptions() {
        #expect("\(TreeError.tooDeep(depth: 33, limit: 32))".contains("at most 32 nodes deep"))
        #expect("\(TreeError.duplicateSibling(parent: nil, token: 9))".contains("token 9 came twice below the base"))
        #expect("\(TreeError.duplicateSibling(parent: 3, token: 9))".contains("below node 3"))
    }
}
