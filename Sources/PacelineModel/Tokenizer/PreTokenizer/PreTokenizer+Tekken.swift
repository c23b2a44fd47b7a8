extension PreTokenizer {
    /// `P?U*L+|P?U+L*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    ///
    /// P is `[^\r\n\p{L}\p{N}]`, U `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]` and L `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`: words end
    /// before a capital that follows a small letter.
    static func tekkenWordEnd(_ text: ScalarText, from start: Int) -> Int {
        guard let (kind, length) = text.scalar(at: start) else { return start }
        if let end = casedWordEnd(text, from: start, kind: kind, afterFirst: start + length) { return end }
        if kind == .number { return start + length }
        if let end = symbolsEnd(text, from: start) {
            var end = end
            while isNewline(text.ascii(at: end)) || text.ascii(at: end) == UInt8(ascii: "/") { end += 1 }
            return end
        }
        return whitespaceEnd(text, from: start)
    }

    /// `P?U*L+|P?U+L*`, each tried with the optional first character and then without.
    private static func casedWordEnd(
        _ text: ScalarText,
        from start: Int,
        kind: ScalarText.Class,
        afterFirst: Int
    ) -> Int? {
        var starts = [start]
        if kind == .space && !isNewline(text.ascii(at: start)) || kind == .other { starts.insert(afterFirst, at: 0) }
        for start in starts {
            if let end = endInSmallLetters(text, from: start) { return end }
        }
        for start in starts {
            let end = capitalsEnd(text, from: start).end
            if end > start { return end }
        }
        return nil
    }

    /// `U*L+`: letters without case are in U and in L, so that the last of them that U took can be given back.
    private static func endInSmallLetters(_ text: ScalarText, from start: Int) -> Int? {
        let (end, lastUncased) = capitalsEnd(text, from: start)
        var small = end
        while let (letterCase, length) = text.letterCase(at: small), letterCase != .capital { small += length }
        return small > end ? small : lastUncased
    }

    /// The end of `U*`, and the end of its last letter without case, if it has one.
    private static func capitalsEnd(_ text: ScalarText, from start: Int) -> (end: Int, lastUncased: Int?) {
        var end = start
        var lastUncased: Int?
        while let (letterCase, length) = text.letterCase(at: end), letterCase != .small {
            end += length
            if letterCase == .none { lastUncased = end }
        }
        return (end, lastUncased)
    }
}

extension ScalarText {
    /// The case of a letter or mark.
    enum LetterCase {
        /// Lu, Lt
        case capital
        /// Ll
        case small
        /// Lm, Lo and the marks
        case none
    }

    /// The case and length in bytes of the letter or mark at `index`; nil for other characters and at the end.
    func letterCase(at index: Int) -> (case: LetterCase, length: Int)? {
        guard let (properties, length) = properties(at: index) else { return nil }
        switch properties.category {
        case .uppercaseLetter, .titlecaseLetter: return (.capital, length)
        case .lowercaseLetter: return (.small, length)
        case .modifierLetter, .otherLetter, .nonspacingMark, .spacingMark, .enclosingMark: return (.none, length)
        default: return nil
        }
    }
}
