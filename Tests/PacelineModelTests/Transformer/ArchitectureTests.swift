import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@testable import PacelineModel

/// Compares every family with ``ReferenceTransformer`` on texts longer than its window, as prompt chunks, single tokens
/// and trees.
@Suite("Architectures", .computing)
struct ArchitectureTests {
    /// The largest difference of a logit with float32 weights. It comes from rounding, also of keys to float16.
    static let bound = 0.004
    static let prompt: [Token] = (0..<26).map { Token(($0 * 53 + 17) % 249) }

    /// The engine's logits after each token, computed in chunks of `chunk` tokens and then one at a time.
    static func logits(_ transformer: Transformer, _ tokens: [Token], chunk: Int = 11) throws -> [[Float]] {
        let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: 1_024))
        var result: [[Float]] = []
        while result.count < tokens.count {
            let start = result.count
            let range = start..<(tokens.count - start > chunk ? start + chunk : start + 1)
            try cache.reserve(range.upperBound)
            let logits = transformer.forward(
                range.map { .committed(tokens[$0], position: $0, cache: cache, wantsLogits: true) }
            )
            cache.commit(range.count)
            result += range.indices.map { logits.row($0 - start) }
        }
        return result
    }

    static func largestDifference(_ found: [[Float]], _ expected: [[Double]]) -> Double {
        zip(found, expected).flatMap { zip($0, $1) }.reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
    }

    /// The root of the sum of squared differences, relative to that of the logits.
    static func relativeError(_ found: [[Float]], _ expected: [[Double]]) -> Double {
        let squares = { (rows: [[Double]]) in rows.joined().reduce(0) { $0 + $1 * $1 } }
        let error = squares(zip(found, expected).map { zip($0, $1).map { Double($0) - $1 } })
        return (error / squares(expected)).squareRoot()
    }

    @Test("Float weights give the logits of the reference", arguments: ArchitectureCase.all)
    func float(family: ArchitectureCase) throws {
        let found = try Self.logits(family.model.transformer(), Self.prompt)
        let difference = Self.largestDifference(found, family.reference.logits(Self.prompt))
        #expect(difference < Self.bound, "\(difference)")
    }

    @Test("Every misreading of a family exceeds the bound", arguments: ArchitectureCase.all)
    func mistakes(family: ArchitectureCase) throws {
        let found = try Self.logits(family.model.transformer(), Self.prompt)
        for mistake in family.mistakes {
            var reference = family.reference
            mistake.make(&reference)
            let difference = Self.largestDifference(found, reference.logits(Self.prompt))
            #expect(difference > 5 * Self.bound, "\(mistake.name): \(difference)")
        }
    }

    @Test("Quantised weights stay within the error of int8 activations", arguments: ArchitectureCase.all)
    func quantised(family: ArchitectureCase) throws {
        let model = family.quantised(.q8_0)
        var reference = ReferenceTransformer(model)
        family.describe(&reference)
        let expected = reference.logits(Self.prompt)
        let found = try Self.logits(model.transformer(), Self.prompt)
        let relative = Self.relativeError(found, expected)
        // Activations have a uniform error of 1/127 of the largest in their block, about 0.7 % of their own size. Two
        // blocks and the head add up to at most 1.3 % here.
        #expect(relative < 0.03, "\(relative)")
    }

    @Test("A node of a tree has the logits of the reference for its path", arguments: ArchitectureCase.all)
    func trees(family: ArchitectureCase) throws {
        let transformer = try family.model.transformer()
        let base = Array(Self.prompt.prefix(13))
        let tree = try Self.tree()
        let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: 256))
        try cache.reserve(base.count + tree.count)
        var rows = base.indices.map { PassRow.committed(base[$0], position: $0, cache: cache, wantsLogits: false) }
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
        let alone = try family.model.transformer()
        for node in tree.indices {
            let tokens = base + tree.tokens(onPathTo: node)
            let expected = try #require(family.reference.logits(tokens).last)
            #expect(Self.largestDifference([logits.row(node)], [expected]) < Self.bound)
            #expect(try Self.logits(alone, tokens).last == logits.row(node))
        }
    }

    /// A tree with branches and a stem of nine tokens, longer than the shortest windows.
    private static func tree() throws -> TokenTree {
        var tree = TokenTree()
        let parents: [NodeIndex?] = [nil, 0, nil, 1, 3, 4, 1, 5, 7, 8, 9, 8]
        for (node, parent) in parents.enumerated() {
            _ = try tree.append(.init(parent: parent, token: Token(node * 19 + 3), logProbability: -1))
        }
        return tree
    }

    @Test("Windowed families give the same bits with any chunk size, thread count and instruction set")
    func bits() throws {
        let tokens: [Token] = (0..<290).map { Token(($0 * 31 + 5) % 251) }
        for family in [TinyModel.Family.mistral3, .phi3, .gemma3] {
            var model = TinyModel()
            model.family = family
            model.embeddingLength = 128
            model.feedForwardLength = 128
            model.slidingWindow = 100
            model.blockCount = 6
            let expected = try Self.logits(model.transformer(threads: 1), tokens, chunk: 1)
            for (threads, isa) in [(2, InstructionSet.best), (4, .best), (2, .scalar)] {
                let transformer = try model.transformer(threads: threads, isa: isa)
                for chunk in isa == .scalar ? [290] : [97, 290] {
                    #expect(try Self.logits(transformer, tokens, chunk: chunk) == expected)
                }
            }
        }
    }
}
