import PacelineSpeculation

/// SentencePiece's byte-pair encoding: adjacent pieces join into the token with the highest score, leftmost first among
/// equals.
///
/// It begins with the characters, and any two neighbours may join whose text together is a token; there is no list of
/// merges. Characters that are no token become their bytes. Text is not cut into words first. Source: Kudo, Richardson
/// 2018 (arXiv 1808.06226).
struct SentencePieceEncoder {
    private let model: SentencePieceModel
    private let vocabulary: Vocabulary
    private var symbols: [Symbol] = []
    private var queue = Heap<PairMerge>()

    /// A piece of the text, linked to its neighbours by index; -1 ends the list. One that was merged away is empty.
    private struct Symbol {
        var start: Int
        var count: Int
        var previous: Int
        var next: Int
    }

    init(model: SentencePieceModel, vocabulary: Vocabulary) {
        self.model = model
        self.vocabulary = vocabulary
    }

    /// Appends the tokens of valid UTF-8 in which spaces are spaces.
    mutating func encode(_ text: UnsafeRawBufferPointer, into output: inout [Token]) {
        split(text)
        for index in symbols.indices.dropLast() { enqueue(left: index, text) }
        while let merge = queue.popFirst() { apply(merge, text) }
        var index = symbols.isEmpty ? -1 : 0
        while index >= 0 {
            append(piece(symbols[index], of: text), to: &output)
            index = symbols[index].next
        }
    }

    private mutating func split(_ text: UnsafeRawBufferPointer) {
        symbols.removeAll(keepingCapacity: true)
        var start = 0
        while start < text.count {
            var end = start + 1
            while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
            let index = symbols.count
            symbols.append(Symbol(start: start, count: end - start, previous: index - 1, next: index + 1))
            start = end
        }
        if !symbols.isEmpty { symbols[symbols.count - 1].next = -1 }
    }

    private func piece(_ symbol: Symbol, of text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: text[symbol.start..<symbol.start + symbol.count])
    }

    /// What two symbols are, for telling later whether they still are: symbols only grow, so their sizes say it.
    private func pair(_ left: Int, _ right: Int) -> UInt64 {
        UInt64(symbols[left].count) << 32 | UInt64(symbols[right].count)
    }

    private mutating func enqueue(left: Int, _ text: UnsafeRawBufferPointer) {
        let right = symbols[left].next
        let joined = Symbol(
            start: symbols[left].start,
            count: symbols[left].count + symbols[right].count,
            previous: -1,
            next: -1
        )
        guard joined.count <= model.longestToken, let token = vocabulary.token(for: piece(joined, of: text)) else {
            return
        }
        let merge = PairMerge(
            rank: model.ranks[Int(token)],
            left: left,
            pair: pair(left, right),
            merged: token
        )
        queue.insert(merge)
    }

    private mutating func apply(_ merge: PairMerge, _ text: UnsafeRawBufferPointer) {
        let left = merge.left
        let right = symbols[left].next
        guard right >= 0, pair(left, right) == merge.pair else { return }
        symbols[left].count += symbols[right].count
        symbols[left].next = symbols[right].next
        symbols[right].next = -1
        symbols[right].count = 0
        if symbols[left].next >= 0 {
            symbols[symbols[left].next].previous = left
            enqueue(left: left, text)
        }
        if symbols[left].previous >= 0 { enqueue(left: symbols[left].previous, text) }
    }

    /// Appends the token of a piece, or those of its bytes, or the unknown token where a byte has none.
    private func append(_ piece: UnsafeRawBufferPointer, to output: inout [Token]) {
        if let token = vocabulary.token(for: piece) {
            output.append(token)
            return
        }
        let bytes = piece.compactMap { model.byteTokens[Int($0)] }
        output.append(contentsOf: bytes.count == piece.count ? bytes : [model.unknown].compactMap(\.self))
    }
}
