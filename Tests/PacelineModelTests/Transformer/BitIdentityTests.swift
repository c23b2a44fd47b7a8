import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@testable import PacelineModel

/// The logits of a token have the same bits however it is computed.
@Suite("Bit identity of a pass", .computing)
struct BitIdentityTests {
    static let text: [Token] = (0..<70).map { Token(($0 * 37 + 11) % 251) }

    /// The logits after each of `tokens`, computed one token per pass.
    static func plain(_ transformer: Transformer, _ tokens: [Token]) throws -> [[Float]] {
        let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: 4_096))
        return try tokens.enumerated().map { position, token in
            try cache.reserve(position + 1)
            let logits = transformer.forward([
                .committed(token, position: position, cache: cache, wantsLogits: true)
            ])
            cache.commit(1)
            return logits.row(0)
        }
    }

    @Test(
        "Prompt chunks of any size give the same bits as single tokens",
        arguments: WeightFormat.allCases.map { ($0, KVType.f16) } + [(.q8_0, .int8)]
    )
    func chunks(type: WeightFormat, cacheType: KVType) throws {
        let transformer = try TinyModel.with(weights: type).transformer(cacheType: cacheType)
        let expected = try Self.plain(transformer, Self.text)
        for chunk in [2, 7, 33, 70] {
            let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: 4_096))
            for start in stride(from: 0, to: Self.text.count, by: chunk) {
                let range = start..<min(Self.text.count, start + chunk)
                try cache.reserve(range.upperBound)
                let logits = transformer.forward(
                    range.map { .committed(Self.text[$0], position: $0, cache: cache, wantsLogits: true) }
                )
                cache.commit(range.count)
                for (row, position) in range.enumerated() { #expect(logits.row(row) == expected[position]) }
            }
        }
    }

    @Test(
        "A node of a 32-node tree, next to another sequence, gives the same bits as its path alone",
        arguments: KVType.allCases
    )
    func trees(cacheType: KVType) throws {
        for threads in [1, 2, 4] {
            let transformer = try TinyModel().transformer(threads: threads, cacheType: cacheType)
            let base = Array(Self.text.prefix(61))
            var random = SplitMix(seed: 5)
            var tree = TokenTree()
            while tree.count < 32 {
                let parent =
                    tree.isEmpty ? nil : Bool.random(using: &random) ? nil : tree.indices.randomElement(using: &random)
                guard tree.depth(of: parent) < 32 else { continue }
                let node = TokenTree.Node(
                    parent: parent,
                    token: .random(in: 0..<250, using: &random),
                    logProbability: -1
                )
                _ = try? tree.append(node)
            }
            let pool = KVPagePool(shape: transformer.cacheShape, slots: 8_192)
            let other = KVCache(pool: pool)
            try other.reserve(9)
            let cache = KVCache(pool: pool)
            try cache.reserve(base.count + tree.count)
            var rows = (0..<base.count).map {
                PassRow.committed(base[$0], position: $0, cache: cache, wantsLogits: false)
            }
            rows += (0..<9).map { .committed(Self.text[$0 + 20], position: $0, cache: other, wantsLogits: false) }
            rows += tree.indices.map { node in
                PassRow(
                    token: tree.token(of: node),
                    position: base.count + tree.depth(of: node) - 1,
                    cache: cache,
                    slot: base.count + node,
                    base: base.count,
                    path: tree.path(to: node).map { base.count + $0 },
                    wantsLogits: true
                )
            }
            let logits = transformer.forward(rows)
            for node in tree.indices {
                let alone = try Self.plain(transformer, base + tree.tokens(onPathTo: node))
                #expect(logits.row(node) == alone.last)
            }
        }
    }

    @Test("Every instruction set gives the same bits", arguments: WeightFormat.allCases)
    func instructionSets(type: WeightFormat) throws {
        let results = try InstructionSet.supported.map { isa in
            try Self.plain(TinyModel.with(weights: type).transformer(isa: isa), Array(Self.text.prefix(20)))
        }
        for result in results { #expect(result == results[0]) }
    }

    @Test("After keeping an accepted path, the next token has the bits of plain decoding", arguments: KVType.allCases)
    func commit(cacheType: KVType) throws {
        let transformer = try TinyModel.with(weights: .q4_0).transformer(cacheType: cacheType)
        let base = Array(Self.text.prefix(60))
        let tail: [Token] = [5, 9, 77, 123, 8, 200]
        let expected = try Self.plain(transformer, base + tail)
        let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: 1_024))
        try cache.reserve(base.count + 12)
        // Nodes alternate between the true path and decoys, so that kept slots are not adjacent and cross a page.
        var rows = base.indices.map { PassRow.committed(base[$0], position: $0, cache: cache, wantsLogits: false) }
        for depth in tail.indices {
            let path = (0...depth).map { base.count + 2 * $0 + 1 }
            for (slot, token) in [(base.count + 2 * depth, Token(1)), (base.count + 2 * depth + 1, tail[depth])] {
                rows.append(
                    PassRow(
                        token: token,
                        position: base.count + depth,
                        cache: cache,
                        slot: slot,
                        base: base.count,
                        path: path.dropLast() + [slot],
                        wantsLogits: false
                    )
                )
            }
        }
        transformer.forward(rows)
        cache.commit(base.count)
        cache.keep((0..<5).map { base.count + 2 * $0 + 1 }, committing: 5)
        try cache.reserve(cache.length + 1)
        let logits = transformer.forward([
            .committed(tail[5], position: base.count + 5, cache: cache, wantsLogits: true)
        ])
        #expect(logits.row(0) == expected.last)
    }
}
