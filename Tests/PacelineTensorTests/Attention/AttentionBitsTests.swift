import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

/// Bases about the borders of tiles (16), pages (64) and chunks (256).
private let bases = [0, 1, 15, 16, 40, 63, 64, 65, 128, 200, 240, 255, 256, 257, 300, 511, 512, 513]

@Suite("Attention: bits", .computing)
struct AttentionBitsTests {
    @Test(
        "A tree node has the bits of plain decoding at its position, wherever its ancestors lie",
        arguments: bases,
        kvTypes
    )
    func nodeEqualsDecode(base: Int, type: pl_kv_type) {
        let tree = TreeCase(seed: UInt64(base), base: base, nodes: 40, group: 3, headDimension: 48, type: type)
        let asTree = tree.fixture.attend(tree.rows, queries: tree.queries, threads: 2)
        for (node, path) in tree.nodePaths.enumerated() where node % 3 == 0 || path.count > 8 {
            let plain = AttentionFixture(
                seed: 1,
                slots: base + path.count,
                layers: 2,
                kvHeads: 2,
                group: 3,
                headDimension: 48,
                type: type
            )
            let tokens = tree.baseTokens + path.map { tree.nodeTokens[$0] }
            for (slot, token) in tokens.enumerated() { plain.store(token, slot: slot) }
            let query = tree.fixture.query(node, of: tree.queries)
            let alone = plain.attend([.init(base: tokens.count)], queries: query)
            #expect(alone == tree.fixture.query(node, of: asTree))
        }
    }

    @Test("Every instruction set has the bits of the scalar twin", arguments: vectorInstructionSets, bases)
    func twin(isa: InstructionSet, base: Int) {
        for type in kvTypes { compareToTwin(isa: isa, base: base, type: type) }
    }

    private func compareToTwin(isa: InstructionSet, base: Int, type: pl_kv_type) {
        let dimensions: [Int64] = [16, 32, 64, 80, 128]
        for (index, group) in [1, 2, 4, 6, 7, 9].enumerated() {
            let tree = TreeCase(
                seed: UInt64(base * 10 + group),
                base: base,
                nodes: 9,
                kvHeads: index.isMultiple(of: 2) ? 1 : 2,
                group: group,
                headDimension: dimensions[index % dimensions.count],
                type: type
            )
            for window in [0, 1, 20, 100, 256, 300] {
                let scalar = tree.fixture.attend(tree.rows, queries: tree.queries, isa: .scalar, window: window)
                let vector = tree.fixture.attend(tree.rows, queries: tree.queries, isa: isa, window: window)
                #expect(scalar == vector, "group \(group), window \(window)")
            }
        }
    }

    @Test("A row has the same bits alone and in any batch, on 1 to 4 threads", arguments: [70, 256, 700], kvTypes)
    func batching(base: Int, type: pl_kv_type) {
        let tree = TreeCase(seed: 77, base: base, nodes: 50, group: 6, headDimension: 64, type: type)
        let together = tree.fixture.attend(tree.rows, queries: tree.queries)
        for threads: Int32 in 2...4 {
            #expect(tree.fixture.attend(tree.rows, queries: tree.queries, threads: threads) == together)
        }
        for (node, row) in tree.rows.enumerated() where node.isMultiple(of: 7) {
            let query = tree.fixture.query(node, of: tree.queries)
            for threads: Int32 in 1...4 {
                let alone = tree.fixture.attend([row], queries: query, threads: threads)
                #expect(alone == tree.fixture.query(node, of: together))
            }
        }
        let order = tree.fixture.shuffled(Array(tree.rows.indices))
        let shuffled = tree.fixture.attend(
            order.map { tree.rows[$0] },
            queries: order.flatMap { tree.fixture.query($0, of: tree.queries) },
            threads: 3
        )
        #expect(shuffled == order.flatMap { tree.fixture.query($0, of: together) })
    }

    @Test(
        "A prompt gives each position the same bits in one chunk, in several and token by token",
        arguments: [0, 30, 300],
        kvTypes
    )
    func prefill(window: Int, type: pl_kv_type) {
        let length = 330
        let fixture = AttentionFixture(seed: 5, slots: length, kvHeads: 1, group: 3, headDimension: 64, type: type)
        for (slot, token) in fixture.makeTokens(length).enumerated() { fixture.store(token, slot: slot) }
        let queries = fixture.makeQueries(length)
        let rows = (0..<length).map { AttentionFixture.Row(base: $0 + 1) }
        let whole = fixture.attend(rows, queries: queries, threads: 2, window: window)
        for position in [0, 1, 15, 16, 17, 29, 30, 31, 63, 64, 100, 255, 256, 257, 299, 329] {
            let alone = fixture.attend(
                [rows[position]],
                queries: fixture.query(position, of: queries),
                threads: 4,
                window: window
            )
            #expect(alone == fixture.query(position, of: whole))
        }
        for start in [1, 100, 250] {
            let part = fixture.attend(
                Array(rows[start...]),
                queries: Array(queries[(start * fixture.queryWidth)...]),
                threads: 3,
                window: window
            )
            #expect(part[...] == whole[(start * fixture.queryWidth)...])
        }
    }

    @Test("Sequences side by side do not touch each other's bits", arguments: kvTypes)
    func severalSequences(type: pl_kv_type) {
        let trees = [(3, 20), (300, 10), (64, 30)].map { base, nodes in
            TreeCase(seed: UInt64(base), base: base, nodes: nodes, group: 2, headDimension: 32, type: type)
        }
        let separate = trees.map { $0.fixture.attend($0.rows, queries: $0.queries) }
        for threads: Int32 in 1...3 {
            let together = AttentionFixture.attend(
                trees.map { ($0.fixture, $0.rows) },
                queries: trees.flatMap(\.queries),
                threads: threads
            )
            #expect(together == separate.flatMap(\.self))
        }
    }
    @Test("Prompt positions and tree nodes of one sequence can share a call", arguments: kvTypes)
    func mixedRows(type: pl_kv_type) {
        let tree = TreeCase(seed: 21, base: 280, nodes: 20, group: 3, headDimension: 32, type: type)
        let prompt = [1, 2, 3, 100, 255, 256, 257, 258, 280].map { AttentionFixture.Row(base: $0) }
        let promptQueries = tree.fixture.makeQueries(prompt.count)
        let separate =
            tree.fixture.attend(prompt, queries: promptQueries)
            + tree.fixture.attend(tree.rows, queries: tree.queries)
        for threads: Int32 in 1...4 {
            let together = tree.fixture.attend(
                prompt + tree.rows,
                queries: promptQueries + tree.queries,
                threads: threads
            )
            #expect(together == separate)
        }
    }

    @Test("A NaN in one query spoils its own head and nothing else", arguments: InstructionSet.supported, kvTypes)
    func nanQuery(isa: InstructionSet, type: pl_kv_type) {
        let tree = TreeCase(seed: 22, base: 270, nodes: 8, group: 3, headDimension: 32, type: type)
        let clean = tree.fixture.attend(tree.rows, queries: tree.queries, isa: isa)
        let spoiled = 5 * tree.fixture.queryWidth + 32..<5 * tree.fixture.queryWidth + 64
        var queries = tree.queries
        queries[spoiled.lowerBound + 7] = .nan
        let out = tree.fixture.attend(tree.rows, queries: queries, isa: isa)
        for i in out.indices { #expect(spoiled.contains(i) ? out[i].isNaN : out[i] == clean[i]) }
    }
}
