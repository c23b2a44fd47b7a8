import PacelineModel
import PacelineSpeculation
import PacelineTestKit

/// Texts and token ids from clients. The first byte chooses the tokenizer (the lower bits), whether the texts of
/// control tokens count as those tokens (bit 6), and whether the rest is a text or token ids (bit 7).
///
/// A text that comes back from its tokens gives the same tokens again. Pieces of text, one token at a time, are the
/// text of all tokens at once.
struct TokenizerTarget: FuzzTarget {
    private static let preTokenizers = ["qwen2", "gpt-2", "llama-bpe", "tekken", "smollm", "deepseek-r1-qwen"]
    private let tokenizers: [Tokenizer]

    init() throws {
        var model = TinyModel()
        tokenizers =
            try Self.preTokenizers.map { name in
                model.preTokenizer = name
                return try model.tokenizer()
            } + [Tokenizer(GGUFFile(bytes: Pieces.file(), name: "pieces.gguf"))]
    }

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        guard let head = input.first else { return false }
        let tokenizer = tokenizers[Int(head & 0x0f) % tokenizers.count]
        let rest = Array(input.dropFirst())
        return head & 0x80 == 0
            ? try encode(rest, tokenizer, parseSpecial: head & 0x40 != 0) : try decode(rest, tokenizer)
    }

    private func encode(_ bytes: [UInt8], _ tokenizer: Tokenizer, parseSpecial: Bool) throws -> Bool {
        let isText = String(validating: bytes, as: UTF8.self) != nil
        let tokens: [Token]
        do {
            tokens = try tokenizer.encode(bytes: bytes, parseSpecial: parseSpecial)
        } catch TokenizerError.invalidUTF8(let offset) {
            guard !isText, offset < bytes.count else { throw FuzzFinding("refused valid UTF-8 at \(offset)") }
            return false
        }
        guard isText else { throw FuzzFinding("took invalid UTF-8") }
        try tokenizer.check(tokens)
        guard tokens.count <= bytes.count + 1 else { throw FuzzFinding("\(tokens.count) of \(bytes.count) bytes") }
        try checkPieces(tokens, tokenizer)
        guard !parseSpecial else { return true }
        let again = try tokenizer.encode(bytes: tokenizer.decode(tokens), parseSpecial: false)
        guard again == tokens else { throw FuzzFinding("\(tokens) became \(again) on the way back") }
        return true
    }

    private func decode(_ bytes: [UInt8], _ tokenizer: Tokenizer) throws -> Bool {
        let tokens = Swift.stride(from: 0, to: bytes.count - 1, by: 2).map {
            Token(bytes[$0]) | Token(bytes[$0 + 1]) << 8
        }
        let isValid = tokens.allSatisfy { $0 < tokenizer.tokenCount }
        do {
            try checkPieces(tokens, tokenizer)
            guard isValid else { throw FuzzFinding("took a token that there is not") }
        } catch TokenizerError.invalidToken {
            guard !isValid else { throw FuzzFinding("refused a token that there is") }
        }
        return isValid
    }

    private func checkPieces(_ tokens: [Token], _ tokenizer: Tokenizer) throws {
        let whole = String(decoding: try tokenizer.decode(tokens), as: UTF8.self)
        var detokenizer = IncrementalDetokenizer(tokenizer, showsSpecial: true, beginsText: true)
        var pieces = ""
        for token in tokens { pieces += try detokenizer.append(token) }
        pieces += detokenizer.finish()
        guard whole.utf8.elementsEqual(pieces.utf8) else {
            throw FuzzFinding("\(whole.debugDescription) is \(pieces.debugDescription) in pieces")
        }
    }

    func seeds() throws -> [FuzzSeed] {
        let texts = [
            "the first   line\n\n 12345 don't", "<|im_start|>user\nHi<|im_end|>",
            "caf\u{e9} e\u{301} \u{1f6b4}\u{200d}",
            "\u{8a9e}\u{5b57} \u{2581}x\t\r\n", "</s><0x41>", "\u{ac00}\u{1100}\u{1161} \u{64b}\u{651}",
        ]
        var seeds = texts.enumerated().flatMap { place, text in
            tokenizers.indices.map { FuzzSeed("text-\(place)-\($0)", [UInt8($0)] + Array(text.utf8)) }
        }
        for index in tokenizers.indices {
            seeds.append(FuzzSeed("ids-\(index)", [UInt8(index) | 0x80, 3, 0, 0xe2, 0, 0x98, 0, 0x83, 0, 0, 1, 1, 1]))
            seeds.append(FuzzSeed("special-\(index)", [UInt8(index) | 0x40] + Array(texts[1].utf8)))
        }
        return seeds
    }
}
