import PacelineSpeculation

/// Where the parts of one chunk are that the gateway needs.
///
/// The chunk is not parsed, for the sake of time. A verifier writes its fields in one order and without spaces. In a
/// string a quotation mark has a backslash before it, so that no pattern here can be found in one. Keys that come from
/// a text, those of `top_logprobs`, have numbers as values, which no pattern does.
struct ChunkLayout {
    private static let choices = BytePattern(#""choices":["#)
    private static let index = BytePattern(#"{"index":"#)
    private static let reason = BytePattern(#","finish_reason":""#)
    private static let tokenIDs = BytePattern(#","token_ids":["#)
    private static let promptIDs = BytePattern(#","prompt_token_ids":["#)
    private static let figures = BytePattern(#"],"timings":{"#)
    private static let silentDelta = BytePattern(#""delta":{"content":""},"logprobs":null"#)
    private static let silentText = BytePattern(#""text":"","logprobs":null"#)

    /// Where what the whole answer has in common ends: its id, its model and so on.
    let identityEnd: Int
    /// The choice that it is a part of; nil for the chunk behind all choices.
    private(set) var choice: Int?
    private(set) var tokens: [Token] = []
    /// Where the token ids are, with the comma before them; of the choice and of the prompt.
    private(set) var tokenRange: Range<Int>?
    private(set) var promptRange: Range<Int>?
    private(set) var endsChoice = false
    /// Where the array of choices ends if figures about the whole answer follow.
    private(set) var figuresStart: Int?
    /// Whether it is there for its token ids alone.
    private(set) var isForTokensAlone = false

    /// - Parameter text: one event, from `data:` to its empty line.
    /// - Returns: nil for something else than a chunk.
    init?(_ text: UnsafeRawBufferPointer) {
        guard let start = Self.choices.first(in: text) else { return nil }
        identityEnd = start
        let entry = start + Self.choices.count
        figuresStart = Self.figures.first(in: text, from: entry)
        guard Self.index.stands(at: entry, in: text) else { return }
        var place = entry + Self.index.count
        choice = Self.number(in: text, at: &place)
        endsChoice = Self.reason.first(in: text, from: place) != nil
        if let start = Self.tokenIDs.first(in: text, from: place) {
            var end = start + Self.tokenIDs.count
            while let token = Self.number(in: text, at: &end) {
                tokens.append(Token(truncatingIfNeeded: token))
                guard end < text.count, text[end] == UInt8(ascii: ",") else { break }
                end += 1
            }
            tokenRange = start..<min(end + 1, text.count)
        }
        if let start = Self.promptIDs.first(in: text, from: place) {
            let list = text[(start + Self.promptIDs.count)...]
            promptRange = start..<((list.firstIndex(of: UInt8(ascii: "]")) ?? text.count - 1) + 1)
        }
        guard !tokens.isEmpty, !endsChoice else { return }
        isForTokensAlone =
            Self.silentDelta.stands(at: place + 1, in: text) || Self.silentText.stands(at: place + 1, in: text)
    }

    /// Reads figures and passes over them; nil if there are none.
    private static func number(in text: UnsafeRawBufferPointer, at place: inout Int) -> Int? {
        var value = 0
        let start = place
        while place < text.count, place - start < 12, (0x30...0x39).contains(text[place]) {
            value = value * 10 + Int(text[place] - 0x30)
            place += 1
        }
        return place > start ? value : nil
    }
}
