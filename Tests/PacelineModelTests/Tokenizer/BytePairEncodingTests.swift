import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("Byte-pair encoding")
struct BytePairEncodingTests {
    /// Four letters and merges of random pairs, so that ranks do not follow lengths and merges compete for tokens.
    private struct RandomVocabulary {
        var tokens = ["a", "b", "c", "d"]
        var merges: [(left: String, right: String)] = []

        init(seed: UInt64, merges count: Int) {
            var generator = SplitMix(seed: seed)
            while merges.count < count {
                let left = tokens[Int.random(in: 0..<tokens.count, using: &generator)]
                let right = tokens[Int.random(in: 0..<tokens.count, using: &generator)]
                guard left.count + right.count <= 9, !merges.contains(where: { $0 == (left, right) }) else { continue }
                merges.append((left, right))
                if !tokens.contains(left + right) { tokens.append(left + right) }
            }
        }

        func tokenizer() throws -> Tokenizer {
            var writer = GGUFWriter()
            writer.add("tokenizer.ggml.model", .string("gpt2"))
            writer.add("tokenizer.ggml.pre", .string("gpt-2"))
            writer.add("tokenizer.ggml.tokens", .strings(tokens))
            writer.add("tokenizer.ggml.merges", .strings(merges.map { "\($0.left) \($0.right)" }))
            return try Tokenizer(GGUFFile(bytes: writer.serialised(), name: "random.gguf"))
        }

        /// The definition: merge the adjacent pair with the lowest rank, leftmost first, until no pair can merge.
        func encode(_ word: String) -> [String] {
            var symbols = word.map(String.init)
            while true {
                let ranks = zip(symbols, symbols.dropFirst()).map { pair in
                    merges.firstIndex { $0 == pair } ?? Int.max
                }
                guard let best = ranks.min(), best < Int.max, let place = ranks.firstIndex(of: best) else {
                    return symbols
                }
                symbols.replaceSubrange(place...place + 1, with: [symbols[place] + symbols[place + 1]])
            }
        }
    }

    private func randomWord(_ length: Int, _ generator: inout SplitMix) -> String {
        String((0..<length).map { _ in "abcd".randomElement(using: &generator) ?? "a" })
    }

    @Test("tokens match the definition", arguments: 0..<8 as Range<UInt64>)
    func definition(seed: UInt64) throws {
        let vocabulary = RandomVocabulary(seed: seed, merges: 60)
        let tokenizer = try vocabulary.tokenizer()
        var generator = SplitMix(seed: seed + 100)
        for _ in 0..<120 {
            let word = randomWord(Int.random(in: 1..<80, using: &generator), &generator)
            let expected = vocabulary.encode(word).compactMap { vocabulary.tokens.firstIndex(of: $0) }
            #expect(tokenizer.encode(word) == expected.map { UInt32($0) }, "\(word)")
        }
    }

    @Test("a word of 200,000 letters encodes and decodes")
    func longWord() throws {
        let tokenizer = try RandomVocabulary(seed: 1, merges: 60).tokenizer()
        var generator = SplitMix(seed: 5)
        let word = randomWord(200_000, &generator)
        #expect(try tokenizer.decode(tokenizer.encode(word)) == Array(word.utf8))
    }

    @Test("bytes without a token are dropped before the others merge")
    func missingByte() throws {
        var vocabulary = RandomVocabulary(seed: 1, merges: 0)
        vocabulary.tokens.append("ab")
        vocabulary.merges = [("a", "b")]
        let tokenizer = try vocabulary.tokenizer()
        #expect(tokenizer.encode("ab") == [4])
        #expect(tokenizer.encode("axb") == [4])
        #expect(tokenizer.encode("xaéxbx") == [4])
        // Text is split into words before bytes are dropped.
        #expect(tokenizer.encode("a1b") == [0, 1])
        #expect(tokenizer.encode("a\u{4}b") == [0, 1])
        #expect(tokenizer.encode("x").isEmpty)
        #expect(try tokenizer.decode(tokenizer.encode("cxaxbéd")) == Array("cabd".utf8))
    }

    @Test("bytes without a token do not change the other tokens", arguments: 0..<4 as Range<UInt64>)
    func missingBytes(seed: UInt64) throws {
        let vocabulary = RandomVocabulary(seed: seed, merges: 60)
        let tokenizer = try vocabulary.tokenizer()
        var generator = SplitMix(seed: seed + 200)
        for _ in 0..<60 {
            let word = randomWord(Int.random(in: 1..<40, using: &generator), &generator)
            let holed = word.map { Bool.random(using: &generator) ? "\($0)" : "\($0)é" }.joined()
            #expect(tokenizer.encode(holed) == tokenizer.encode(word), "\(holed)")
        }
    }

    @Test("the error for a malformed merge has its text")
    func malformedMerges() throws {
        for merge in ["ab", "a", "", " ", "a e", "e a", "c d", "a b c", "a ", " a"] {
            var writer = GGUFWriter()
            writer.add("tokenizer.ggml.model", .string("gpt2"))
            writer.add("tokenizer.ggml.pre", .string("gpt-2"))
            writer.add("tokenizer.ggml.tokens", .strings(["a", "b", "c", "d", "ab"]))
            writer.add("tokenizer.ggml.merges", .strings(["a b", merge]))
            let file = try GGUFFile(bytes: writer.serialised(), name: "m.gguf")
            let error = TokenizerError.malformedMerge(path: "m.gguf", index: 1, merge: merge)
            #expect(throws: error) { try Tokenizer(file) }
        }
    }
}
