import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@testable import PacelineModel

@Suite("Features of a pass", .computing)
struct FeatureTests {
    private static let taps: [FeatureTap] = [.normedOutput, .input(layer: 1), .lastOutput, .input(layer: 0)]
    private static let text = Array(BitIdentityTests.text.prefix(41))

    /// What passes say about a text.
    private struct Result: Equatable {
        var logits: [[Float]] = []
        var features: [[Float]] = []
    }

    /// Computes `text` in chunks.
    ///
    /// - Parameters:
    ///   - wantsLogits: by position; the others have no logits.
    ///   - taps: if nil, no features are asked for.
    private static func read(
        _ transformer: Transformer,
        chunk: Int,
        taps: [FeatureTap]?,
        wantsLogits: (Int) -> Bool = { _ in true },
        wantsFeatures: (Int) -> Bool = { _ in true }
    ) throws -> Result {
        let features = try taps.map { try FeatureRows(taps: $0, of: transformer.configuration) }
        let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: 4_096))
        var result = Result()
        for start in stride(from: 0, to: text.count, by: chunk) {
            let range = start..<min(text.count, start + chunk)
            try cache.reserve(range.upperBound)
            let rows = range.map { position in
                PassRow.committed(
                    text[position],
                    position: position,
                    cache: cache,
                    wantsLogits: wantsLogits(position),
                    wantsFeatures: wantsFeatures(position)
                )
            }
            let logits = transformer.forward(rows, features: features)
            cache.commit(range.count)
            result.logits += range.filter(wantsLogits).indices.map { logits.row($0) }
            if let features { result.features += (0..<features.count).map { features.row($0) } }
        }
        return result
    }

    @Test(
        "change no bit of the logits, and depend on nothing but the text",
        arguments: [(WeightFormat.q8_0, KVType.f16), (.q4_0, .f16), (.q8_0, .int8), (.f32, .f16)]
    )
    func bits(type: WeightFormat, cacheType: KVType) throws {
        let transformer = try TinyModel.with(weights: type).transformer(cacheType: cacheType)
        let alone = try Self.read(transformer, chunk: 1, taps: Self.taps)
        #expect(alone.features.count == Self.text.count)
        #expect(try Self.read(transformer, chunk: 1, taps: nil).logits == alone.logits)
        for chunk in [7, 41] {
            #expect(try Self.read(transformer, chunk: chunk, taps: Self.taps) == alone)
            #expect(try Self.read(transformer, chunk: chunk, taps: nil).logits == alone.logits)
        }
    }

    @Test("are there for rows without logits, and for some of the rows", arguments: [1, 7, 41])
    func selections(chunk: Int) throws {
        let transformer = try TinyModel().transformer()
        let whole = try Self.read(transformer, chunk: chunk, taps: Self.taps)
        let none = try Self.read(transformer, chunk: chunk, taps: Self.taps) { _ in false }
        #expect(none == Result(features: whole.features))
        for (logits, features) in [(2, 3), (3, 2), (5, 1), (1, 5), (4, 4)] {
            let some = try Self.read(
                transformer,
                chunk: chunk,
                taps: Self.taps,
                wantsLogits: { $0 % logits == logits - 1 },
                wantsFeatures: { $0 % features == 0 }
            )
            let wanted = { (values: [[Float]], isWanted: (Int) -> Bool) in
                values.indices.filter(isWanted).map { values[$0] }
            }
            #expect(some.logits == wanted(whole.logits) { $0 % logits == logits - 1 })
            #expect(some.features == wanted(whole.features) { $0 % features == 0 })
        }
        // Without the last layer's output, rows without logits are left out of that layer.
        let inputs = try Self.read(transformer, chunk: chunk, taps: [.input(layer: 1)], wantsLogits: { $0 % 2 == 0 })
        #expect(inputs.logits == stride(from: 0, to: 41, by: 2).map { whole.logits[$0] })
        #expect(inputs.features == whole.features.map { Array($0[256..<512]) })
    }

    @Test("of a tree's node next to another sequence are those of its path alone")
    func trees() throws {
        let transformer = try TinyModel().transformer()
        let features = try FeatureRows(taps: Self.taps, of: transformer.configuration)
        let alone = try Self.read(transformer, chunk: 41, taps: Self.taps).features
        let pool = KVPagePool(shape: transformer.cacheShape, slots: 4_096)
        let (cache, other) = (KVCache(pool: pool), KVCache(pool: pool))
        try cache.reserve(60)
        try other.reserve(20)
        // The text's last token is a node of a tree, behind a decoy.
        var rows = (0..<20).map { PassRow.committed(7, position: $0, cache: other, wantsLogits: $0 == 19) }
        rows += (0..<40).map { .committed(Self.text[$0], position: $0, cache: cache, wantsLogits: false) }
        for (slot, token) in [(40, Token(3)), (41, Self.text[40])] {
            rows.append(
                PassRow(
                    token: token,
                    position: 40,
                    cache: cache,
                    slot: slot,
                    base: 40,
                    path: [slot],
                    wantsLogits: true,
                    wantsFeatures: slot == 41
                )
            )
        }
        transformer.forward(rows, features: features)
        #expect(features.count == 1)
        #expect(features.row(0) == alone[40])
    }

    @Test("are the reference's hidden states", arguments: ArchitectureCase.all)
    func reference(family: ArchitectureCase) throws {
        let transformer = try family.model.transformer()
        let last = transformer.configuration.blockCount - 1
        let taps: [FeatureTap] = [.input(layer: 0), .input(layer: last), .lastOutput, .normedOutput]
        let found = try Self.read(transformer, chunk: 11, taps: taps).features
        let streams = family.reference.streams(Self.text)
        let expected = [streams[0], streams[last], streams[last + 1], family.reference.normed(streams[last + 1])]
        let width = transformer.configuration.embeddingLength
        for (tap, rows) in expected.enumerated() {
            let part = found.map { Array($0[tap * width..<(tap + 1) * width]) }
            let error = ArchitectureTests.relativeError(part, rows)
            #expect(error < 0.001, "\(taps[tap]): \(error)")
        }
    }

    @Test("of layers that the model does not have are refused")
    func unknownLayers() throws {
        let configuration = try TinyModel().transformer().configuration
        for layer in [-1, 2, Int.max] {
            #expect(throws: FeatureTapError(layer: layer, layers: 2)) {
                try FeatureRows(taps: [.normedOutput, .input(layer: layer)], of: configuration)
            }
        }
    }
}
