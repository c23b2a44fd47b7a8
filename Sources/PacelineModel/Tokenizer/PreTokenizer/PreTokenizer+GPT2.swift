extension PreTokenizer {
    /// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
    ///
    /// With `isolatesDigits` every digit is a word and the expression never looks beyond one: a space before a digit is
    /// not its prefix, and spaces before a digit count as spaces at an end.
    static func gpt2WordEnd(_ text: ScalarText, from start: Int, isolatesDigits: Bool) -> Int {
        if let end = contractionEnd(text, from: start) { return end }
        let wordStart = text.ascii(at: start) == UInt8(ascii: " ") ? start + 1 : start
        if let (kind, length) = text.scalar(at: wordStart), kind != .space {
            guard kind == .number, isolatesDigits else { return text.run(of: kind, from: wordStart).end }
            if wordStart == start { return start + length }
        }
        let run = text.run(of: .space, from: start)
        let next = text.scalar(at: run.end)?.class
        return spaceEnd(run, from: start, keepsLast: next == nil || next == .number && isolatesDigits)
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d`, lower case only.
    private static func contractionEnd(_ text: ScalarText, from start: Int) -> Int? {
        guard text.ascii(at: start) == UInt8(ascii: "'"), let first = text.ascii(at: start + 1) else { return nil }
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return start + 2
        default:
            guard let second = text.ascii(at: start + 2), isLongContraction(first, second) else { return nil }
            return start + 3
        }
    }

    /// Whether the two lower-case letters are those of 're, 've or 'll.
    static func isLongContraction(_ first: UInt8, _ second: UInt8) -> Bool {
        switch (first, second) {
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            true
        default: false
        }
    }
}
