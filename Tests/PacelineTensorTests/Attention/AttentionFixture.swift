import CPacelineKernels
import PacelineTensor

/// Keys, values and queries from a seed, and the pages to put them in. Slots that nothing was stored in hold random
/// bits, infinities and NaN among them, because attention must not look at them.
final class AttentionFixture {
    let shape: pl_kv_shape
    let heads: Int
    let layer: Int64
    let scale: Float
    private(set) var inputs: KernelInputs
    private let pages: UnsafeMutablePointer<UnsafeRawPointer?>
    private let pageCount: Int

    var headDimension: Int { Int(shape.head_dim) }
    var kvWidth: Int { Int(shape.kv_heads) * headDimension }
    var queryWidth: Int { heads * headDimension }

    init(
        seed: UInt64,
        slots: Int,
        layers: Int64 = 1,
        kvHeads: Int64,
        group: Int,
        headDimension: Int64,
        type: pl_kv_type = PL_KV_F16
    ) {
        inputs = KernelInputs(seed: seed)
        shape = pl_kv_shape(layers: layers, kv_heads: kvHeads, head_dim: headDimension, type: type)
        heads = Int(kvHeads) * group
        layer = layers - 1
        scale = 1 / Float(headDimension).squareRoot()
        pageCount = (slots + Int(PL_PAGE_SLOTS) - 1) / Int(PL_PAGE_SLOTS)
        pages = .allocate(capacity: pageCount)
        for page in 0..<pageCount {
            let elements = pl_kv_page_bytes(shape) / 2
            let memory = UnsafeMutableRawPointer.allocate(byteCount: elements * 2, alignment: 64)
            let halves = memory.bindMemory(to: UInt16.self, capacity: elements)
            for i in 0..<elements { halves[i] = UInt16(truncatingIfNeeded: i &* 40_503 &+ 0x7c00) }
            (pages + page).initialize(to: UnsafeRawPointer(halves))
        }
    }

    deinit {
        for page in 0..<pageCount { pages[page]?.deallocate() }
        pages.deallocate()
    }

    var slots: Int { pageCount * Int(PL_PAGE_SLOTS) }

    /// The key and value of a token.
    struct Token {
        let key: [Float]
        let value: [Float]
    }

    func makeTokens(_ count: Int) -> [Token] {
        (0..<count).map { _ in Token(key: inputs.floats(kvWidth, scale: 3), value: inputs.floats(kvWidth)) }
    }

    func makeQueries(_ count: Int) -> [Float] { inputs.floats(count * queryWidth, scale: 2) }

    func random(_ range: Range<Int>) -> Int { Int.random(in: range, using: &inputs) }

    func shuffled(_ values: [Int]) -> [Int] { values.shuffled(using: &inputs) }

    func store(_ token: Token, slot: Int) {
        let page = UnsafeMutableRawPointer(mutating: pages[slot / Int(PL_PAGE_SLOTS)])
        pl_kv_store(
            InstructionSet.best.raw,
            shape,
            layer,
            page,
            Int64(slot % Int(PL_PAGE_SLOTS)),
            token.key,
            token.value
        )
    }

    /// What a row attends to.
    struct Row {
        var base: Int
        var path: [Int] = []
    }

    /// Attention of `rows` with `queries` (rows x query width).
    func attend(
        _ rows: [Row],
        queries: [Float],
        isa: InstructionSet = .best,
        threads: Int32 = 1,
        window: Int = 0
    ) -> [Float] {
        Self.attend([(self, rows)], queries: queries, isa: isa, threads: threads, window: window)
    }

    /// One call for the rows of several fixtures of the same shape.
    static func attend(
        _ parts: [(fixture: AttentionFixture, rows: [Row])],
        queries: [Float],
        isa: InstructionSet = .best,
        threads: Int32 = 1,
        window: Int = 0
    ) -> [Float] {
        let first = parts[0].fixture
        var out = [Float](repeating: .nan, count: queries.count)
        let paths = parts.flatMap(\.rows).flatMap(\.path).map { Int32($0) }
        let pool = pl_pool_create(threads)
        defer { pl_pool_destroy(pool) }
        paths.withUnsafeBufferPointer { paths in
            var offset = 0
            let raw = parts.flatMap { fixture, rows in
                rows.map { row in
                    defer { offset += row.path.count }
                    return pl_attention_row(
                        pages: fixture.pages,
                        base: Int64(row.base),
                        path: paths.baseAddress.map { $0 + offset },
                        path_count: Int64(row.path.count)
                    )
                }
            }
            pl_attention(
                isa.raw,
                pool,
                first.shape,
                first.layer,
                Int64(first.heads),
                first.scale,
                Int64(window),
                raw,
                Int64(raw.count),
                queries,
                Int64(first.queryWidth),
                &out,
                Int64(first.queryWidth)
            )
        }
        return out
    }

    /// The queries of one row.
    func query(_ row: Int, of queries: [Float]) -> [Float] {
        Array(queries[row * queryWidth..<(row + 1) * queryWidth])
    }
}

/// A sequence with a random tree below it, its nodes in scattered slots.
struct TreeCase {
    let fixture: AttentionFixture
    let base: Int
    let baseTokens: [AttentionFixture.Token]
    let nodeTokens: [AttentionFixture.Token]
    /// Nodes from below the root to the node itself.
    let nodePaths: [[Int]]
    let rows: [AttentionFixture.Row]
    let queries: [Float]

    init(
        seed: UInt64,
        base: Int,
        nodes: Int,
        kvHeads: Int64 = 2,
        group: Int,
        headDimension: Int64,
        type: pl_kv_type = PL_KV_F16,
        scattered: Bool = true
    ) {
        fixture = AttentionFixture(
            seed: seed,
            slots: base + nodes + 130,
            layers: 2,
            kvHeads: kvHeads,
            group: group,
            headDimension: headDimension,
            type: type
        )
        self.base = base
        baseTokens = fixture.makeTokens(base)
        nodeTokens = fixture.makeTokens(nodes)
        for (slot, token) in baseTokens.enumerated() { fixture.store(token, slot: slot) }
        let free = Array(base..<fixture.slots)
        let slots = scattered ? fixture.shuffled(free) : free
        var paths: [[Int]] = []
        for node in 0..<nodes {
            let parent = fixture.random(0..<3) == 0 ? fixture.random(0..<node + 1) - 1 : node - 1
            paths.append((parent < 0 ? [] : paths[parent]) + [node])
            fixture.store(nodeTokens[node], slot: slots[node])
        }
        nodePaths = paths
        rows = paths.map { AttentionFixture.Row(base: base, path: $0.map { slots[$0] }) }
        queries = fixture.makeQueries(nodes)
    }
}

/// All ways to store keys and values.
let kvTypes = [PL_KV_F16, PL_KV_INT8]
