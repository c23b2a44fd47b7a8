import Glibc
import PacelineSpeculation

/// Finds the texts of special tokens in a text: leftmost first, the longest where several begin.
struct SpecialTokenMatcher: Sendable {
    struct Match {
        var token: Token
        var range: Range<Int>
    }

    private struct Entry {
        var token: Token
        var bytes: [UInt8]
        var isControl: Bool
    }

    /// Longest first, grouped by first byte.
    private var entries: [[Entry]] = Array(repeating: [], count: 256)

    init(_ vocabulary: Vocabulary) {
        for (token, bytes) in vocabulary.tokens(of: [.control, .unknown, .userDefined]) {
            // Text is valid UTF-8 and must stay so where it is cut: a token of other bytes matches nothing.
            guard let first = bytes.first, bytes.withUnsafeBytes(UTF8Scanner.firstInvalidOffset) == nil else {
                continue
            }
            let isControl = vocabulary.kind(of: token) != .userDefined
            entries[Int(first)].append(Entry(token: token, bytes: bytes, isControl: isControl))
        }
        for first in entries.indices {
            entries[first].sort { $0.bytes.count > $1.bytes.count }
        }
    }

    /// The first match at or after `start`. Control tokens count only where `allowsControl` says so; user-defined tokens
    /// are ordinary text that the vocabulary keeps whole, so they always count.
    func firstMatch(
        in bytes: UnsafeRawBufferPointer,
        from start: Int,
        allowsControl: (Range<Int>) -> Bool
    ) -> Match? {
        for index in start..<bytes.count {
            let candidates = entries[Int(bytes[index])]
            for entry in candidates where Self.begins(bytes, at: index, entry.bytes) {
                let range = index..<index + entry.bytes.count
                if !entry.isControl || allowsControl(range) { return Match(token: entry.token, range: range) }
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
