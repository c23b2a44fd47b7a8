import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("A draft stream")
struct DraftStreamTests {
    private static let root = BaseMark(epoch: 3, length: 2, hash: BaseHash([10, 11]))

    /// A stream with the paths 1 2 3 and 1 4.
    private func stream(depth: Int = 32, committed: [Token] = []) throws -> DraftStream {
        var stream = DraftStream(limits: TreeLimits(nodes: 64, depth: depth, vocabularySize: 100))
        stream.restart(at: Self.root, committed: committed)
        try stream.append([node(nil, 1), node(0, 2), node(1, 3)], isFinal: false)
        try stream.append([node(0, 4)], isFinal: false)
        return stream
    }

    private func node(_ parent: Int?, _ token: Token) -> TokenTree.Node {
        TokenTree.Node(parent: parent, token: token, logProbability: -0.5)
    }

    private func paths(_ stream: DraftStream) -> [[Token]] {
        var stream = stream
        let tree = stream.belowBase()
        return tree.indices.map { tree.tokens(onPathTo: $0) }
    }

    @Test("keeps the worker's numbering, whatever was committed meanwhile")
    func numbering() throws {
        var stream = try stream()
        stream.commit([1])
        try stream.append([node(2, 5)], isFinal: false)
        #expect(stream.tree.count == 5)
        #expect(paths(stream) == [[2], [2, 3], [4], [2, 3, 5]])
    }

    @Test("shows what lies below the base, whether the commits came before the tree or after")
    func below() throws {
        var late = try stream()
        late.commit([1])
        let first = late.belowBase()
        late.commit([2])
        let second = late.belowBase()
        #expect(first.map(\.token) == [2, 3, 4] && second.map(\.token) == [3])
        #expect(paths(try stream(committed: [1, 2])) == [[3]])
        late.commit([9])
        #expect(paths(late).isEmpty)
    }

    @Test("is at the base until something is committed")
    func base() throws {
        var stream = DraftStream(limits: TreeLimits())
        #expect(!stream.isAtBase)
        stream.restart(at: Self.root, committed: [])
        #expect(stream.isAtBase && stream.root == Self.root)
        stream.commit([1])
        #expect(!stream.isAtBase)
    }

    @Test("forgets a tree once more tokens are committed than any tree is deep")
    func deep() throws {
        var stream = try stream(depth: 3)
        stream.commit([1, 2, 3])
        #expect(stream.root != nil)
        stream.commit([5])
        #expect(stream.root == nil && stream.tree.isEmpty && !stream.isAtBase)
        stream.commit([6])
        #expect(stream.root == nil)
    }

    @Test("keeps the nodes before one that breaks a rule")
    func broken() throws {
        var stream = try stream()
        #expect(throws: TreeError.self) {
            try stream.append([self.node(3, 6), self.node(nil, 1), self.node(3, 7)], isFinal: true)
        }
        #expect(stream.tree.count == 5 && !stream.isFinal)
    }

    @Test("starts over without a trace of the old tree")
    func restart() throws {
        var stream = try stream()
        try stream.append([], isFinal: true)
        stream.commit([1])
        stream.restart(at: BaseMark(epoch: 4, length: 3, hash: BaseHash([10, 11, 1])), committed: [])
        #expect(stream.isAtBase && !stream.isFinal && stream.tree.isEmpty)
    }
}
