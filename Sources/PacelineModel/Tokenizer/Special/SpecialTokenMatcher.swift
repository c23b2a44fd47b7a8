import Glibc
import PacelineSpeculation

/// Finds the texts of special tokens in a text: leftmost first, and the longest of several at the same place.
struct SpecialTokenMatcher: Sendable {
    struct Match {
        var token: Token
        /// The range of the token's text.
        var range: Range<Int>
        /// Where the text after the token begins, past the white space that the token absorbs.
        var end: Int
    }

    private struct Entry {
        var token: Token
        var bytes: [UInt8]
        var isControl: Bool
        var takesWhiteSpace: Bool
    }

    /// Markers that do not absorb the white space after them, even in families where the others do.
    private static let bareTexts: Set<String> = ["<unk>", "<s>", "<|endoftext|>", "<|endofprompt|>"]

    /// Longest first, grouped by first byte.
    private var entries: [[Entry]] = Array(repeating: [], count: 256)

    /// - Parameters:
    ///   - kinds: the kinds of tokens to find.
    ///   - spellsSpaces: whether to also match user-defined tokens with U+2581 for spaces, as SentencePiece does.
    ///   - takesWhiteSpace: whether tokens absorb the white space after them.
    init(
        _ vocabulary: Vocabulary,
        of kinds: Set<TokenKind>,
        spellsSpaces: Bool = false,
        takesWhiteSpace: Bool = false
    ) {
        for (token, bytes) in vocabulary.tokens(of: kinds) {
            let isControl = vocabulary.kind(of: token) != .userDefined
            for text in spellsSpaces && !isControl ? Self.spellings(bytes) : [bytes] {
                // Cutting out a token must leave valid UTF-8, so a token with invalid UTF-8 matches nothing.
                guard let first = text.first, text.withUnsafeBytes(UTF8Scanner.firstInvalidOffset) == nil else {
                    continue
                }
                let takes = takesWhiteSpace && !Self.bareTexts.contains(String(decoding: text, as: UTF8.self))
                let entry = Entry(token: token, bytes: text, isControl: isControl, takesWhiteSpace: takes)
                entries[Int(first)].append(entry)
            }
        }
        for first in entries.indices {
            entries[first].sort { $0.bytes.count > $1.bytes.count }
        }
    }

    /// The ways to write a user-defined token of a SentencePiece vocabulary in a text.
    ///
    /// Converters replace U+2581 by spaces in all user-defined tokens, so tokens with spaces are matched in both forms.
    /// A token of spaces alone only matches U+2581, because published tokenizers leave spaces to the encoding.
    private static func spellings(_ bytes: [UInt8]) -> [[UInt8]] {
        let space = UInt8(ascii: " ")
        guard bytes.contains(space) else { return [bytes] }
        let spelled = bytes.flatMap { $0 == space ? SentencePieceSpelling.space : [$0] }
        return bytes.allSatisfy { $0 == space } ? [spelled] : [bytes, spelled]
    }

    /// The first match at or after `start`.
    ///
    /// Control tokens match only in ranges that `allowsControl` accepts. User-defined tokens always match: they are
    /// ordinary text that the vocabulary keeps whole.
    func firstMatch(
        in bytes: UnsafeRawBufferPointer,
        from start: Int,
        allowsControl: (Range<Int>) -> Bool
    ) -> Match? {
        for index in start..<bytes.count {
            let candidates = entries[Int(bytes[index])]
            for entry in candidates where Self.begins(bytes, at: index, entry.bytes) {
                let range = index..<index + entry.bytes.count
                guard !entry.isControl || allowsControl(range) else { continue }
                let text = range.upperBound
                let end = entry.takesWhiteSpace ? ScalarText(bytes).run(of: .space, from: text).end : text
                return Match(token: entry.token, range: range, end: end)
            }
        }
        return nil
    }

    private static func begins(_ bytes: UnsafeRawBufferPointer, at index: Int, _ text: [UInt8]) -> Bool {
        guard let base = bytes.baseAddress, bytes.count - index >= text.count else { return false }
        return text.withUnsafeBytes { text in
            text.baseAddress.map { memcmp(base + index, $0, text.count) == 0 } ?? false
        }
    }
}
