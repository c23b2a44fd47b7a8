import PacelineSpeculation

extension MergeTable {
    /// Reads `tokenizer.ggml.merges`: two spelled tokens with a space between, in order of rank.
    init(
        _ array: GGUFArray,
        vocabulary: Vocabulary,
        alphabet: ByteLevelAlphabet,
        path: String
    ) throws(TokenizerError) {
        self.init(count: array.count)
        var scratch: [UInt8] = []
        try array.forEachString { (index, text) throws(TokenizerError) -> Void in
            scratch.removeAll(keepingCapacity: true)
            guard let (pair, token) = Self.parse(text, vocabulary, alphabet, &scratch) else {
                let merge = String(decoding: text, as: UTF8.self)
                throw .malformedMerge(path: path, index: index, merge: merge)
            }
            insert(pair, Merge(rank: UInt32(truncatingIfNeeded: index), token: token))
        }
    }

    private static func parse(
        _ text: UnsafeRawBufferPointer,
        _ vocabulary: Vocabulary,
        _ alphabet: ByteLevelAlphabet,
        _ scratch: inout [UInt8]
    ) -> (pair: UInt64, token: Token)? {
        var space = 1
        while space < text.count, text[space] != UInt8(ascii: " ") { space += 1 }
        guard space + 1 < text.count else { return nil }
        guard alphabet.append(UnsafeRawBufferPointer(rebasing: text[..<space]), to: &scratch) else { return nil }
        let middle = scratch.count
        guard alphabet.append(UnsafeRawBufferPointer(rebasing: text[(space + 1)...]), to: &scratch) else { return nil }
        return scratch.withUnsafeBytes { bytes in
            guard let left = vocabulary.token(for: UnsafeRawBufferPointer(rebasing: bytes[..<middle])),
                let right = vocabulary.token(for: UnsafeRawBufferPointer(rebasing: bytes[middle...])),
                let whole = vocabulary.token(for: bytes)
            else { return nil }
            return (pair(left, right), whole)
        }
    }
}
