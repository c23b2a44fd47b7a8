extension PreTokenizer {
    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|
    /// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
    static func llama3WordEnd(_ text: ScalarText, from start: Int, digits: Int) -> Int {
        if let end = anyCaseContractionEnd(text, from: start) { return end }
        guard let (kind, length) = text.scalar(at: start) else { return start }
        switch kind {
        case .letter: return text.run(of: .letter, from: start).end
        case .number: return numberEnd(text, from: start, digits: digits)
        case .space, .other: break
        }
        let afterFirst = start + length
        if !isNewline(text.ascii(at: start)), text.scalar(at: afterFirst)?.class == .letter {
            return text.run(of: .letter, from: afterFirst).end
        }
        guard var end = symbolsEnd(text, from: start) else { return whitespaceEnd(text, from: start) }
        while isNewline(text.ascii(at: end)) { end += 1 }
        return end
    }

    private static func numberEnd(_ text: ScalarText, from start: Int, digits: Int) -> Int {
        var end = start
        for _ in 0..<digits {
            guard let (kind, length) = text.scalar(at: end), kind == .number else { break }
            end += length
        }
        return end
    }

    /// ` ?[^\s\p{L}\p{N}]+`
    static func symbolsEnd(_ text: ScalarText, from start: Int) -> Int? {
        let hasSpace = text.ascii(at: start) == UInt8(ascii: " ")
        let symbols = hasSpace ? start + 1 : start
        guard text.scalar(at: symbols)?.class == .other else { return nil }
        return text.run(of: .other, from: symbols).end
    }

    /// `\s*[\r\n]+|\s+(?!\S)|\s+`
    static func whitespaceEnd(_ text: ScalarText, from start: Int) -> Int {
        let run = text.run(of: .space, from: start)
        var newline = run.end
        while newline > start, !isNewline(text.ascii(at: newline - 1)) { newline -= 1 }
        guard newline == start else { return newline }
        return spaceEnd(run, from: start, keepsLast: run.end == text.count)
    }

    static func isNewline(_ byte: UInt8?) -> Bool {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`. U+017F, the long s, folds to s and so counts as one.
    private static func anyCaseContractionEnd(_ text: ScalarText, from start: Int) -> Int? {
        guard text.ascii(at: start) == UInt8(ascii: "'"), let first = text.byte(at: start + 1) else { return nil }
        if first == 0xC5, text.byte(at: start + 2) == 0xBF { return start + 3 }
        switch first | 0x20 {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return start + 2
        case let lowered:
            guard let second = text.ascii(at: start + 2), isLongContraction(lowered, second | 0x20) else { return nil }
            return start + 3
        }
    }
}
