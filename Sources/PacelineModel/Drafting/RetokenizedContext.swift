import PacelineSpeculation

/// A sequence of the target's tokens, as a drafter with another vocabulary reads it.
///
/// The text between two markers is encoded as a whole while it is short. Of a longer one, only the end is encoded
/// again when it grows; what lies further back keeps its tokens. A character that the target has begun and not ended is
/// left out.
struct RetokenizedContext: Sendable {
    /// Text before the last so many bytes keeps its tokens.
    private static let lookBehind = 256
    /// How many of the target's tokens before the end decide how text behind them is cut.
    private static let windowLength = 12

    private let target: Tokenizer
    private let drafter: Tokenizer
    /// Tokens that later text does not change.
    private var settled: [Token] = []
    /// The text behind them.
    private var tail: [UInt8] = []
    /// The target's last tokens, none before a marker.
    private var window: [Token] = []

    init(target: Tokenizer, drafter: Tokenizer) {
        (self.target, self.drafter) = (target, drafter)
        if drafter.prefersBOS, let bos = drafter.bos { settled = [bos] }
    }

    /// The drafter's tokens; may be empty.
    var tokens: [Token] {
        let whole = tail.dropLast(UTF8Scanner.unfinishedCount(of: tail))
        return settled + encode(whole)
    }

    /// The bytes of a character that has begun.
    var unfinished: [UInt8] { Array(tail.suffix(UTF8Scanner.unfinishedCount(of: tail))) }

    /// The last bytes of the target's text, from the start of a token and of a character.
    func windowBytes() throws(TokenizerError) -> [UInt8] {
        var bytes: [UInt8] = []
        for token in window { bytes += try target.bytes(of: token) }
        return Array(bytes.drop { $0 & 0xC0 == 0x80 })
    }

    /// The target's text has grown.
    mutating func append(_ tokens: [Token]) throws(TokenizerError) {
        for token in tokens {
            if try target.isSpecial(token) {
                settled += encode(tail[...])
                tail = []
                window = []
                if let marker = drafter.marker(spelled: try target.bytes(of: token)) { settled.append(marker) }
            } else {
                tail += try target.bytes(of: token)
                window.append(token)
            }
        }
        window.removeFirst(max(0, window.count - Self.windowLength))
        if tail.count > 2 * Self.lookBehind { try settle() }
    }

    /// Text that is no UTF-8 becomes replacement characters: the drafter only guesses from it.
    private func encode(_ bytes: ArraySlice<UInt8>) -> [Token] {
        bytes.isEmpty ? [] : drafter.encode(String(decoding: bytes, as: UTF8.self), parseSpecial: false)
    }

    /// Settles the words that are far from the end. SentencePiece encodes the start of a text differently, so nothing
    /// is cut there.
    private mutating func settle() throws(TokenizerError) {
        guard !drafter.algorithm.isSentencePiece, String(validating: tail, as: UTF8.self) != nil else { return }
        let encoded = encode(tail[...])
        var cut = (count: 0, bytes: 0)
        var end = 0
        for (index, token) in encoded.enumerated() {
            let bytes = try drafter.bytes(of: token)
            guard end <= tail.count - Self.lookBehind else { break }
            if bytes.first == UInt8(ascii: " ") || bytes.first == UInt8(ascii: "\n") { cut = (index, end) }
            end += bytes.count
        }
        settled += encoded.prefix(cut.count)
        tail.removeFirst(cut.bytes)
    }
}
