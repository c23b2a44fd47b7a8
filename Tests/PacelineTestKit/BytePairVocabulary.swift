/// A vocabulary of all bytes and all pairs of bytes, so that any change of a word boundary changes the tokens.
///
/// `Tests/TokenizerComparison/bytepairs.py` writes the same vocabulary.
package enum BytePairVocabulary {
    private static let controlTexts = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

    /// A GGUF file without weights.
    package static func file(preTokenizer: String) -> [UInt8] {
        let letters = (0..<256).map { TinyVocabulary.spelling(of: UInt8($0)) }
        // A scattered order, so that either of two overlapping merges may rank first.
        let order = (0..<0x10000).map { $0 * 40_503 % 0x10000 }
        let pairs = order.map { (letters[$0 >> 8], letters[$0 & 0xFF]) }
        let tokens = letters + pairs.map { $0 + $1 } + controlTexts
        var writer = GGUFWriter()
        writer.add("tokenizer.ggml.model", .string("gpt2"))
        writer.add("tokenizer.ggml.pre", .string(preTokenizer))
        writer.add("tokenizer.ggml.tokens", .strings(tokens))
        writer.add("tokenizer.ggml.token_type", .int32s(tokens.indices.map { $0 < tokens.count - 3 ? 1 : 3 }))
        writer.add("tokenizer.ggml.merges", .strings(pairs.map { "\($0) \($1)" }))
        return writer.serialised()
    }
}
