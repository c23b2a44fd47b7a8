import PacelineSpeculation
import Testing

@Suite("Base hash")
struct BaseHashTests {
    @Test("is FNV-1a over the tokens' little-endian bytes")
    func knownValues() {
        #expect(BaseHash([] as [Token]).rawValue == 0xcbf2_9ce4_8422_2325)
        // The bytes "foob" and "ar\0\0": the reference value of FNV-1a for them, computed from its definition.
        #expect(BaseHash([0x626f_6f66, 0x0000_7261]).rawValue == reference(Array("foobar".utf8) + [0, 0]))
        // "a\0\0\0" differs from "\0\0\0a": order within a token counts.
        #expect(BaseHash([0x61]) != BaseHash([0x6100_0000]))
    }

    @Test("of a grown base is the same whether computed at once or token by token")
    func incremental() {
        var generator = SplitMix(seed: 1)
        let tokens = (0..<1000).map { _ in Token.random(in: 0..<200_000, using: &generator) }
        var hash = BaseHash(tokens[..<400])
        hash.append(tokens[400...])
        #expect(hash == BaseHash(tokens))
        #expect(hash.rawValue == reference(tokens.flatMap { token in (0..<4).map { UInt8(token >> (8 * $0) & 0xff) } }))
    }

    private func reference(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }
}
