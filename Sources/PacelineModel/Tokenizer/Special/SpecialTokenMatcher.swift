import Glibc
import PacelineSpeculation

/// Finds the texts of special tokens in a text: leftmost first, the longest where several begin.
struct SpecialTokenMatcher: Sendable {
    struct Match {
        var token: Token
        /// Where the token's text lies.
        var range: Range<Int>
        /// Where the text behind the token begins: behind white space that the token takes with it.
        var end: Int
    }

    private struct Entry {
        var token: Token
        var bytes: [UInt8]
        var isControl: Bool
        var takesWhiteSpace: Bool
    }

    /// Markers that leave the white space behind them where it is, whatever others of the family do.
    private static let bareTexts: Set<String> = ["<unk>", "<s>", "<|endoftext|>", "<|endofprompt|>"]

    /// Longest first, grouped by first byte.
    private var entries: [[Entry]] = Array(repeating: [], count: 256)

    /// - Parameters:
    ///   - kinds: what tokens to find.
    ///   - spellsSpaces: whether a text has U+2581 for the spaces of user-defined tokens, as SentencePiece vocabularies
    ///     have; spaces proper are for the encoding.
    ///   - takesWhiteSpace: whether tokens take the white space behind them with them.
    init(
        _ vocabulary: Vocabulary,
        of kinds: Set<TokenKind>,
        spellsSpaces: Bool = false,
        takesWhiteSpace: Bool = false
    ) {
        for (token, bytes) in vocabulary.tokens(of: kinds) {
            let isControl = vocabulary.kind(of: token) != .userDefined
            for text in spellsSpaces && !isControl ? Self.spellings(bytes) : [bytes] {
                // Text is valid UTF-8 and must stay so where it is cut: a token of other bytes matches nothing.
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

    /// A user-defined token of a SentencePiece vocabulary as a text may hold it.
    ///
    /// One of spaces alone is written with U+2581: in published tokenizers spaces reach it only through the encoding.
    /// Converters replace U+2581 by spaces in all user-defined tokens, so that others are looked for both ways.
    private static func spellings(_ bytes: [UInt8]) -> [[UInt8]] {
        let space = UInt8(ascii: " ")
        guard bytes.contains(space) else { return [bytes] }
        let spelled = bytes.flatMap { $0 == space ? SentencePieceSpelling.space : [$0] }
        return bytes.allSatisfy { $0 == space } ? [spelled] : [bytes, spelled]
    }

    /// The first match at or after `start`.
    ///
    /// Control tokens count only where `allowsControl` says so; user-defined tokens are ordinary
    /// text that the vocabulary keeps whole, so they always count.
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
