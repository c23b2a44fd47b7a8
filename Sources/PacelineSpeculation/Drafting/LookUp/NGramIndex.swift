/// Finds the earlier occurrences of an n-gram in a text that only grows.
///
/// Occurrences with the same hash are chained, newest first, and compared before they are reported, so lookups depend
/// only on the text. Takes four bytes per token of text and one table entry per distinct n-gram.
struct NGramIndex {
    let order: Int
    /// For each hash, the newest position whose preceding n-gram has that hash.
    private var newest: [UInt64: Int32] = [:]
    /// For each position, the next older one with the same hash, or -1. Entries below `order` are unused.
    private var older: [Int32] = []

    init(order: Int) {
        self.order = order
    }

    /// Indexes the n-gram before `text[position]`. Positions must come in ascending order without gaps.
    mutating func add(_ position: Int, of text: [Token]) {
        guard position >= order, let stored = Int32(exactly: position) else {
            older.append(-1)
            return
        }
        let hash = Self.hash(text[(position - order)..<position])
        older.append(newest.updateValue(stored, forKey: hash) ?? -1)
    }

    /// The positions in `text` that follow an occurrence of `gram`, newest first.
    ///
    /// Examines at most `limit` positions with the same hash, so that even a text full of collisions is not slow.
    func positions(after gram: [Token], in text: [Token], limit: Int) -> [Int] {
        var positions: [Int] = []
        var next = newest[Self.hash(gram[...])] ?? -1
        for _ in 0..<Swift.max(0, limit) {
            guard next >= 0 else { break }
            let position = Int(next)
            if text[(position - order)..<position].elementsEqual(gram) { positions.append(position) }
            next = older[position]
        }
        return positions
    }

    private static func hash(_ gram: ArraySlice<Token>) -> UInt64 {
        BaseHash(gram).rawValue
    }
}
