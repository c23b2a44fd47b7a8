import PacelineSpeculation
import Testing

@Suite("Sample-match")
struct SampleMatchTests {
    @Test("emits the plain sequence for any tree", arguments: 0..<100)
    func identity(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let target = ScriptedTarget(seed: seed, vocabulary: Token.random(in: 1...5, using: &generator))
        let plain = target.continuation(of: [1], count: 80)
        var base: [Token] = [1]
        while base.count < 60 {
            let tree = try Self.randomTree(target: target, base: base, using: &generator)
            let verdict = SampleMatch().verdict(on: tree) { target.nextToken(after: base + tree.tokens(onPathTo: $0)) }
            #expect(verdict.accepted == verdict.path.map { tree[$0].token })
            #expect(verdict.path == tree.path(to: verdict.path.last))
            #expect(tree.child(of: verdict.path.last, token: verdict.correction) == nil)
            base += verdict.tokens
        }
        #expect(Array(base.dropFirst()) == Array(plain.prefix(base.count - 1)))
    }

    @Test("accepts a wholly right chain and adds the bonus")
    func wholeChain() throws {
        let target = ScriptedTarget(seed: 1, vocabulary: 1000)
        let tokens = target.continuation(of: [5], count: 9)
        var tree = TokenTree()
        for (depth, token) in tokens.prefix(8).enumerated() {
            try tree.append(.init(parent: depth == 0 ? nil : depth - 1, token: token, logProbability: -1))
        }
        let verdict = SampleMatch().verdict(on: tree) { target.nextToken(after: [5] + tree.tokens(onPathTo: $0)) }
        #expect(verdict.tokens == tokens)
        #expect(verdict.path == Array(0..<8))
    }

    @Test("asks the target only along the accepted path, once per node")
    func asksAlongPath() throws {
        var generator = SplitMix(seed: 12)
        for _ in 0..<200 {
            let tree = try TokenTree.random(using: &generator)
            var asked: [NodeIndex?] = []
            let verdict = SampleMatch().verdict(on: tree) { node in
                asked.append(node)
                return Token.random(in: 0..<6, using: &generator)
            }
            #expect(asked == [nil] + verdict.path.map(Optional.some))
        }
    }

    @Test("passes on what the target throws")
    func passesErrorsOn() throws {
        struct Broken: Error, Equatable {}
        let tree = try TokenTree([.init(parent: nil, token: 0, logProbability: 0)])
        #expect(throws: Broken()) {
            try SampleMatch().verdict(on: tree) { node throws(Broken) -> Token in
                if node == nil { return 0 }
                throw Broken()
            }
        }
    }

    /// A random tree, sometimes with the right continuation worked in, wholly or in part.
    private static func randomTree(
        target: ScriptedTarget,
        base: [Token],
        using generator: inout SplitMix
    ) throws -> TokenTree {
        let shape = RandomTreeShape(nodes: 1...30, vocabulary: target.vocabulary)
        var tree = Bool.random(using: &generator) ? try TokenTree.random(shape, using: &generator) : TokenTree()
        var last: NodeIndex?
        for token in target.continuation(of: base, count: Int.random(in: 0...6, using: &generator)) {
            last = try tree.insert(.init(parent: last, token: token, logProbability: -3)).index
        }
        return tree
    }
}
