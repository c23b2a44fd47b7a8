import CPacelineKernels
import Foundation
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Attention: values", .computing)
struct AttentionTests {
    /// Softmax attention of one query in float64 over tokens whose keys and values are rounded to float16.
    private func reference(_ tokens: [AttentionFixture.Token], query: [Float], fixture: AttentionFixture) -> [Double] {
        let dimension = fixture.headDimension
        let group = fixture.heads / Int(fixture.shape.kv_heads)
        let keys = tokens.map { rounded($0.key) }
        let values = tokens.map { rounded($0.value) }
        return (0..<fixture.heads).flatMap { head in
            let kv = head / group * dimension
            let scores = keys.map { key in
                (0..<dimension).reduce(0.0) { $0 + Double(query[head * dimension + $1]) * Double(key[kv + $1]) }
                    * Double(fixture.scale)
            }
            let largest = scores.max() ?? 0
            let weights = scores.map { exp($0 - largest) }
            let sum = weights.reduce(0, +)
            return (0..<dimension).map { d in
                zip(weights, values).reduce(0.0) { $0 + $1.0 * Double($1.1[kv + d]) } / sum
            }
        }
    }

    private func rounded(_ x: [Float]) -> [Float] {
        var halves = [UInt16](repeating: 0, count: x.count)
        var floats = x
        pl_to_half(PL_ISA_SCALAR, x, &halves, Int64(x.count))
        pl_from_half(PL_ISA_SCALAR, halves, &floats, Int64(x.count))
        return floats
    }

    @Test("Tree nodes attend to the base and their ancestors, to within 1e-5", arguments: InstructionSet.supported)
    func treeValues(isa: InstructionSet) {
        for (base, group) in [(0, 1), (37, 3), (250, 6), (400, 2)] {
            let tree = TreeCase(seed: UInt64(base), base: base, nodes: 12, group: group, headDimension: 64)
            let out = tree.fixture.attend(tree.rows, queries: tree.queries, isa: isa, threads: 2)
            for (node, path) in tree.nodePaths.enumerated() where node.isMultiple(of: 4) {
                let exact = reference(
                    tree.baseTokens + path.map { tree.nodeTokens[$0] },
                    query: tree.fixture.query(node, of: tree.queries),
                    fixture: tree.fixture
                )
                let error =
                    zip(tree.fixture.query(node, of: out), exact).map { abs(Double($0) - $1) }.max() ?? .infinity
                #expect(error < 1e-5)
            }
        }
    }

    @Test("A window limits a row to its last logical positions", arguments: [1, 5, 17, 100])
    func windowValues(window: Int) {
        let tree = TreeCase(seed: 9, base: 290, nodes: 10, group: 2, headDimension: 32)
        let out = tree.fixture.attend(tree.rows, queries: tree.queries, window: window)
        for (node, path) in tree.nodePaths.enumerated() {
            let visible = (tree.baseTokens + path.map { tree.nodeTokens[$0] }).suffix(window)
            let exact = reference(
                Array(visible),
                query: tree.fixture.query(node, of: tree.queries),
                fixture: tree.fixture
            )
            let error = zip(tree.fixture.query(node, of: out), exact).map { abs(Double($0) - $1) }.max() ?? .infinity
            #expect(error < 1e-5)
        }
    }

    @Test("Large scores neither overflow nor lose the winner", arguments: InstructionSet.supported)
    func largeScores(isa: InstructionSet) {
        let fixture = AttentionFixture(seed: 3, slots: 600, kvHeads: 1, group: 1, headDimension: 16)
        for slot in 0..<600 {
            let strength: Float = slot == 431 ? 60_000 : Float(slot)
            fixture.store(
                .init(key: [Float](repeating: strength, count: 16), value: [Float](repeating: Float(slot), count: 16)),
                slot: slot
            )
        }
        let out = fixture.attend([.init(base: 600)], queries: [Float](repeating: 1_000, count: 16), isa: isa)
        #expect(out == [Float](repeating: 431, count: 16))
    }

    @Test("A row without positions gives zeros, beside rows that have some", arguments: InstructionSet.supported)
    func emptyRow(isa: InstructionSet) {
        let fixture = AttentionFixture(seed: 4, slots: 64, kvHeads: 2, group: 2, headDimension: 32)
        for (slot, token) in fixture.makeTokens(8).enumerated() { fixture.store(token, slot: slot) }
        let queries = fixture.makeQueries(3)
        let out = fixture.attend([.init(base: 8), .init(base: 0), .init(base: 3)], queries: queries, isa: isa)
        #expect(fixture.query(1, of: out).allSatisfy { $0 == 0 })
        for (row, base) in [(0, 8), (2, 3)] {
            let alone = fixture.attend([.init(base: base)], queries: fixture.query(row, of: queries), isa: isa)
            #expect(alone == fixture.query(row, of: out))
        }
    }

    @Test("A row of one position gives that position's value", arguments: InstructionSet.supported)
    func singlePosition(isa: InstructionSet) {
        let fixture = AttentionFixture(seed: 6, slots: 64, kvHeads: 1, group: 2, headDimension: 16)
        let token = AttentionFixture.Token(
            key: [Float](repeating: 0.3, count: 16),
            value: (0..<16).map { Float($0) / 4 }
        )
        fixture.store(token, slot: 33)
        let out = fixture.attend([.init(base: 0, path: [33])], queries: fixture.makeQueries(1), isa: isa)
        #expect(out == token.value + token.value)
    }
}
