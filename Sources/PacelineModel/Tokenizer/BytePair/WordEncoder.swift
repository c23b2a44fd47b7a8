import PacelineSpeculation
import Synchronization

/// Byte-level encoding of a text: word by word, as the pre-tokeniser cuts it.
struct WordEncoder {
    let preTokenizer: PreTokenizer
    let vocabulary: Vocabulary
    var encoder: BytePairEncoder

    /// Appends the tokens of `bytes`, normalised as the family does; words are looked up in `cache` first.
    mutating func encode(
        _ bytes: UnsafeRawBufferPointer,
        cache: borrowing Mutex<WordCache>,
        into tokens: inout [Token]
    ) {
        preTokenizer.withNormalized(bytes) { encodeWords(of: $0, cache: cache, into: &tokens) }
    }

    private mutating func encodeWords(
        of bytes: UnsafeRawBufferPointer,
        cache: borrowing Mutex<WordCache>,
        into tokens: inout [Token]
    ) {
        let text = preTokenizer.text(bytes)
        var start = 0
        while start < bytes.count {
            let end = preTokenizer.wordEnd(text, from: start)
            encodeWord(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), cache: cache, into: &tokens)
            start = end
        }
    }

    private mutating func encodeWord(
        _ word: UnsafeRawBufferPointer,
        cache: borrowing Mutex<WordCache>,
        into tokens: inout [Token]
    ) {
        guard word.count <= WordCache.longestWord else {
            encodeUncached(word, into: &tokens)
            return
        }
        let hash = ByteHash.hash(word)
        if let known = cache.withLock({ $0.tokens(of: word, hash: hash) }) {
            tokens.append(contentsOf: known)
            return
        }
        let start = tokens.count
        encodeUncached(word, into: &tokens)
        let found = Array(tokens[start...])
        cache.withLock { $0.insert(word, hash: hash, tokens: found) }
    }

    private mutating func encodeUncached(_ word: UnsafeRawBufferPointer, into tokens: inout [Token]) {
        if preTokenizer.ignoresMerges, let whole = vocabulary.token(for: word) {
            tokens.append(whole)
        } else {
            encoder.encode(word, into: &tokens)
        }
    }
}
