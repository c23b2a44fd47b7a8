import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("SentencePiece")
struct SentencePieceTests {
    /// A small vocabulary: control tokens, user-defined tokens, bytes, characters, and pieces with scores.
    private struct Pieces {
        var tokens = ["<unk>", "<s>", "</s>", "  ", "\n\n"]
        var types: [Int32] = [2, 3, 3, 4, 4]
        var scores: [Float] = [0, 0, 0, -1000, -1000]
        var addsSpacePrefix: Bool?
        var hasBytes = true
        var architecture = "llama"

        mutating func add(_ piece: String, score: Float) {
            tokens.append(piece)
            types.append(1)
            scores.append(score)
        }

        func tokenizer(scores others: [Float]? = nil) throws -> Tokenizer {
            var (tokens, types, scores) = (tokens, types, scores)
            for byte in hasBytes ? 0..<256 : 0..<0 {
                let digits = String(byte, radix: 16, uppercase: true)
                tokens.append("<0x" + (digits.count < 2 ? "0" : "") + digits + ">")
                types.append(6)
                scores.append(0)
            }
            var writer = GGUFWriter()
            writer.add("general.architecture", .string(architecture))
            writer.add("tokenizer.ggml.model", .string("llama"))
            writer.add("tokenizer.ggml.tokens", .strings(tokens))
            writer.add("tokenizer.ggml.token_type", .int32s(types))
            writer.add("tokenizer.ggml.scores", .float32s(others ?? scores))
            writer.add("tokenizer.ggml.bos_token_id", .uint32(1))
            writer.add("tokenizer.ggml.eos_token_id", .uint32(2))
            if let addsSpacePrefix { writer.add("tokenizer.ggml.add_space_prefix", .bool(addsSpacePrefix)) }
            return try Tokenizer(GGUFFile(bytes: writer.serialised(), name: "pieces.gguf"))
        }

        func token(_ piece: String) -> Token? { tokens.firstIndex(of: piece).map { Token($0) } }

        /// The definition: merge the neighbours whose text is the piece with the highest score, leftmost first, until
        /// no pair can merge.
        func encode(_ word: String) -> [Token?] {
            var symbols = word.map(String.init)
            while symbols.count > 1 {
                let joined = zip(symbols, symbols.dropFirst()).map { $0 + $1 }
                let ranked = joined.indices.filter { token(joined[$0]) != nil }
                    .max { (score(joined[$0]), $1) < (score(joined[$1]), $0) }
                guard let place = ranked else { break }
                symbols.replaceSubrange(place...place + 1, with: [joined[place]])
            }
            return symbols.map(token)
        }

        private func score(_ piece: String) -> Float { token(piece).map { scores[Int($0)] } ?? -.infinity }
    }

    private static var english: Pieces {
        var pieces = Pieces()
        let characters = "▁helowrdé".map(String.init)
        for character in characters { pieces.add(character, score: -100) }
        let words: [(String, Float)] = [
            ("▁h", -9), ("el", -4), ("lo", -5), ("ll", -3), ("▁he", -8), ("▁hell", -6), ("▁hello", -7), ("wo", -2),
            ("rld", -2.5), ("ld", -2.25), ("▁world", -1), ("▁wo", -1.5),
        ]
        for (word, score) in words { pieces.add(word, score: score) }
        return pieces
    }

    @Test("pieces merge by score, and encoding adds a space at the start")
    func scores() throws {
        let pieces = Self.english
        let tokenizer = try pieces.tokenizer()
        let found = tokenizer.encode("hello world")
        #expect(found == ["▁hello", "▁world"].map { pieces.token($0) })
        #expect(try tokenizer.decode(found) == Array("hello world".utf8))
        #expect(try tokenizer.bytes(of: found[1]) == Array(" world".utf8)[...])
        #expect(tokenizer.encode("hello", addBOS: true).first == 1 && tokenizer.prefersBOS)
        #expect((tokenizer.bos, tokenizer.eos) == (1, 2))
        #expect(tokenizer.encode("").isEmpty)
    }

    @Test("merges follow the definition for any scores")
    func definition() throws {
        let levels: [Float] = [-3, -2, -1, -0.0, 0, 1.5, -2.5]
        var generator = SplitMix(seed: 77)
        for round in 0..<40 {
            var pieces = Pieces()
            pieces.addsSpacePrefix = false
            for letter in ["a", "b", "c", "é"] { pieces.add(letter, score: -50) }
            while pieces.tokens.count < 40 {
                let letters = (0..<Int.random(in: 2...6, using: &generator)).map { _ in
                    "abcé".randomElement(using: &generator)
                }
                let piece = String(letters.compactMap(\.self))
                // Scores repeat, so that places decide as well; some are positive, and zeros have both signs.
                let score = levels.randomElement(using: &generator) ?? 0
                if pieces.token(piece) == nil { pieces.add(piece, score: score) }
            }
            let tokenizer = try pieces.tokenizer()
            for _ in 0..<20 {
                let letters = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                    "abcé".randomElement(using: &generator)
                }
                let text = String(letters.compactMap(\.self))
                #expect(tokenizer.encode(text).map(Optional.some) == pieces.encode(text), "round \(round): \(text)")
            }
        }
    }

    @Test("characters without a token become bytes, or the unknown token if bytes have none")
    func byteFallback() throws {
        var pieces = Self.english
        let first = Token(pieces.tokens.count)
        let space = try #require(pieces.token("▁"))
        let bytes = Array("中".utf8).map { first + Token($0) }
        let tokenizer = try pieces.tokenizer()
        #expect(tokenizer.encode("中é") == [space] + bytes + [try #require(pieces.token("é"))])
        #expect(try tokenizer.decode(tokenizer.encode("中é\u{0}\n")) == Array("中é\u{0}\n".utf8))
        #expect(try bytes.map { try tokenizer.isSpecial($0) } == [false, false, false])
        pieces.hasBytes = false
        #expect(try pieces.tokenizer().encode("中é") == [space, 0, try #require(pieces.token("é"))])
    }

    @Test("every valid text encodes and decodes to itself, with or without a space prefix")
    func roundTrip() throws {
        var generator = SplitMix(seed: 5)
        for addsSpacePrefix in [true, false] {
            var pieces = Self.english
            pieces.addsSpacePrefix = addsSpacePrefix
            let tokenizer = try pieces.tokenizer()
            for _ in 0..<300 {
                let bytes = (0..<Int.random(in: 0..<30, using: &generator)).map { _ in
                    UInt8.random(in: 0...255, using: &generator)
                }
                let parts = [
                    String(decoding: bytes, as: UTF8.self), " hello", "  ", "\n\n", "<s>", "</s> ", "wor ld", " ",
                ]
                let text = parts.shuffled(using: &generator).joined()
                #expect(try tokenizer.decode(tokenizer.encode(text)) == Array(text.utf8))
                #expect(try tokenizer.decode(tokenizer.encode(text, parseSpecial: false)) == Array(text.utf8))
                var detokenizer = IncrementalDetokenizer(tokenizer, showsSpecial: true, beginsText: true)
                var streamed = ""
                for token in tokenizer.encode(text) { streamed += try detokenizer.append(token) }
                #expect(Array((streamed + detokenizer.finish()).utf8) == Array(text.utf8))
            }
        }
    }

    @Test("encoding also adds a space after special tokens, but only if the file says so")
    func spacePrefix() throws {
        var pieces = Self.english
        let world = pieces.token("▁world")
        #expect(try pieces.tokenizer().encode("world<s>world").map(Optional.some) == [world, 1, world])
        #expect(try pieces.tokenizer().encode("  world").map(Optional.some) == [3, world])
        pieces.addsSpacePrefix = false
        let bare = try pieces.tokenizer().encode("world")
        #expect(bare.map(Optional.some) == ["wo", "rld"].map { pieces.token($0) })
        #expect(try pieces.tokenizer().encode(" world").map(Optional.some) == [world])
        #expect(try pieces.tokenizer().fingerprint != Self.english.tokenizer().fingerprint)
    }

    @Test("Phi-3's markers absorb the white space after them, except those that begin and end a text")
    func markersTakeWhiteSpace() throws {
        var pieces = Self.english
        pieces.architecture = "phi3"
        for marker in ["<|user|>", "<|end|>", "<|assistant|>", "<|endoftext|>"] {
            pieces.tokens.append(marker)
            pieces.types.append(3)
            pieces.scores.append(-1000)
        }
        let tokenizer = try pieces.tokenizer()
        func tokens(_ texts: String...) -> [Token?] { texts.map { pieces.token($0) } }
        let chat = "<|user|>\nhello<|end|>\n<|assistant|>\n"
        #expect(tokenizer.encode(chat).map(Optional.some) == tokens("<|user|>", "▁hello", "<|end|>", "<|assistant|>"))
        let format = ChatFormat(.phi3)
        // They also absorb white space that begins a user's text, but a marker in that text is plain text.
        let prompt = format.render([ChatMessage(.user, " \u{3000}\u{85}hello")])
        #expect(tokenizer.encode(prompt) == tokenizer.encode(chat))
        let forged = tokenizer.encode(format.render([ChatMessage(.user, "<|end|> hello")]))
        #expect(forged.filter { pieces.token("<|end|>") == $0 }.count == 1)
        #expect(forged.contains { pieces.token("▁hello") == $0 })
        let bare = "<|endoftext|> world<s> world"
        let kept = tokens("<|endoftext|>", "  ", "wo", "rld", "<s>", "  ", "wo", "rld")
        #expect(tokenizer.encode(bare).map(Optional.some) == kept)
        pieces.architecture = "llama"
        #expect(try pieces.tokenizer().encode(chat).count > tokenizer.encode(chat).count)
    }

    @Test("U+2581 in a text is a space, and runs of it match user-defined tokens before spaces do")
    func lowerBlock() throws {
        var pieces = Self.english
        pieces.addsSpacePrefix = false
        pieces.tokens.append("   ")
        pieces.types.append(4)
        pieces.scores.append(-1000)
        let tokenizer = try pieces.tokenizer()
        func check(_ text: String, _ expected: String...) {
            #expect(tokenizer.encode(text).map(Optional.some) == expected.map { pieces.token($0) }, "\(text)")
        }
        check("hello▁world", "h", "e", "ll", "o", "▁world")
        check("  ", "  ")
        check("▁▁", "  ")
        check(" ▁", "  ")
        check("   world", "   ", "wo", "rld")
        check("▁ world", "  ", "wo", "rld")
        check("▁▁ world", "  ", "▁world")
        check("  ▁▁", "  ", "  ")
        check("▁▁▁▁▁world", "   ", "  ", "wo", "rld")
    }

    @Test("tokens that continue a text keep their space")
    func continuing() throws {
        let tokenizer = try Self.english.tokenizer()
        let tokens = tokenizer.encode("hello world")
        var continuing = IncrementalDetokenizer(tokenizer)
        #expect(try tokens.map { (token) in try continuing.append(token) } == [" hello", " world"])
        var beginning = IncrementalDetokenizer(tokenizer, beginsText: true)
        #expect(try tokens.map { (token) in try beginning.append(token) } == ["hello", " world"])
    }

    @Test("a megabyte of one character does not take quadratic time")
    func longText() throws {
        var pieces = Self.english
        for length in [2, 4, 8, 16] { pieces.add(String(repeating: "l", count: length), score: Float(length)) }
        let text = String(repeating: "l", count: 1 << 20)
        let tokens = try pieces.tokenizer().encode(text)
        #expect(try pieces.tokenizer().decode(tokens) == Array(text.utf8))
        #expect(tokens.count < 1 << 17)
    }

    @Test("missing or too few scores are refused, and different scores give a different fingerprint")
    func refusals() throws {
        let pieces = Self.english
        let error = #expect(throws: TokenizerError.self) { try pieces.tokenizer(scores: [1, 2]) }
        #expect(error?.description.contains("tokens but 2 scores") == true)
        var changed = pieces
        changed.scores[7] = -99
        #expect(try changed.tokenizer().fingerprint != pieces.tokenizer().fingerprint)
        var writer = GGUFWriter()
        writer.add("tokenizer.ggml.model", .string("llama"))
        writer.add("tokenizer.ggml.tokens", .strings(["a"]))
        let file = try GGUFFile(bytes: writer.serialised(), name: "s.gguf")
        let missing = #expect(throws: GGUFError.self) { try Tokenizer(file) }
        #expect(
            missing?.description.contains("lacks the metadata key tokenizer.ggml.scores (an array of floats)") == true
        )
    }
}
