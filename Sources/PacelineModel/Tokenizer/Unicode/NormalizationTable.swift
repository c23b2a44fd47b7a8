/// Canonical composition and decomposition in Unicode 9, the version that the published tokenizers use for NFC.
///
/// Newer characters neither change nor move. Source: the Unicode Standard, sections 3.11 and 3.12.
package struct NormalizationTable: Sendable {
    package static let shared = NormalizationTable()

    /// By code point, up to the last that is not inert: 0 if inert, `reactiveStarter`, or the combining class.
    private let marks: [UInt8]
    private let decompositions: [UInt32: Decomposition]
    /// By the two code points, with the first in the high half.
    private let compositions: [UInt64: UInt32]

    private struct Decomposition {
        var first: UInt32
        var second: UInt32?
    }

    /// Larger than any combining class.
    private static let reactiveStarter: UInt8 = 255

    private init() {
        var decompositions: [UInt32: Decomposition] = [:]
        var compositions: [UInt64: UInt32] = [:]
        var marks = Self.combiningClasses()
        func mark(_ point: UInt32) {
            if marks[Int(point)] == 0 { marks[Int(point)] = Self.reactiveStarter }
        }
        let excluded = Set(Self.compositionExclusions)
        for index in stride(from: 0, to: Self.decompositionsIntoTwo.count, by: 3) {
            let (whole, first, second) = Self.triple(index)
            decompositions[whole] = Decomposition(first: first, second: second)
            if excluded.contains(whole) {
                mark(whole)
            } else {
                compositions[Self.pair(first, second)] = whole
                mark(second)
            }
        }
        for index in stride(from: 0, to: Self.decompositionsIntoOne.count, by: 2) {
            let whole = Self.decompositionsIntoOne[index]
            decompositions[whole] = Decomposition(first: Self.decompositionsIntoOne[index + 1])
            mark(whole)
        }
        for vowel in Hangul.vowels { mark(vowel) }
        for trailing in Hangul.trailing { mark(trailing) }
        (self.marks, self.decompositions, self.compositions) = (marks, decompositions, compositions)
    }

    private static func combiningClasses() -> [UInt8] {
        let last = max((combiningClassRuns.last ?? 0) >> 8, decompositionsIntoOne[decompositionsIntoOne.count - 2])
        var classes = [UInt8](repeating: 0, count: Int(last) + 1)
        for (run, next) in zip(combiningClassRuns, combiningClassRuns.dropFirst()) where run & 0xFF != 0 {
            for point in run >> 8..<next >> 8 { classes[Int(point)] = UInt8(truncatingIfNeeded: run) }
        }
        return classes
    }

    private static func triple(_ index: Int) -> (UInt32, UInt32, UInt32) {
        (decompositionsIntoTwo[index], decompositionsIntoTwo[index + 1], decompositionsIntoTwo[index + 2])
    }

    private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 {
        UInt64(first) << 32 | UInt64(second)
    }

    /// Whether `point` is a starter that NFC does not change and that composes with nothing before it.
    package func isInert(_ point: UInt32) -> Bool {
        point >= marks.count || marks[Int(point)] == 0
    }

    /// Canonical_Combining_Class; 0 for starters.
    func combiningClass(_ point: UInt32) -> UInt8 {
        guard point < marks.count else { return 0 }
        let mark = marks[Int(point)]
        return mark == Self.reactiveStarter ? 0 : mark
    }

    /// The code point that the two compose into; nil if there is none.
    func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        Hangul.composition(first, second) ?? compositions[Self.pair(first, second)]
    }

    /// Appends the full decomposition of `point`.
    func appendDecomposition(of point: UInt32, to output: inout [UInt32]) {
        if Hangul.appendDecomposition(of: point, to: &output) { return }
        guard let parts = decompositions[point] else { return output.append(point) }
        appendDecomposition(of: parts.first, to: &output)
        if let second = parts.second { appendDecomposition(of: second, to: &output) }
    }
}

/// Korean syllables, whose parts can be computed from their code points.
///
/// Source: the Unicode Standard, section 3.12.
private enum Hangul {
    static let leading: Range<UInt32> = 0x1100..<0x1113
    static let vowels: Range<UInt32> = 0x1161..<0x1176
    static let trailing: Range<UInt32> = 0x11A8..<0x11C3
    static let syllables: Range<UInt32> = 0xAC00..<0xD7A4
    /// Syllables with the same leading consonant and vowel: one without a trailing consonant, then one for each.
    static let perVowel: UInt32 = 28

    static func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if leading.contains(first), vowels.contains(second) {
            let vowel = (first - leading.lowerBound) * UInt32(vowels.count) + second - vowels.lowerBound
            return syllables.lowerBound + vowel * perVowel
        }
        let isWithoutTrailing = syllables.contains(first) && (first - syllables.lowerBound) % perVowel == 0
        guard isWithoutTrailing, trailing.contains(second) else { return nil }
        return first + second - trailing.lowerBound + 1
    }

    /// Appends the parts of a syllable. Returns false and appends nothing if `point` is not one.
    static func appendDecomposition(of point: UInt32, to output: inout [UInt32]) -> Bool {
        guard syllables.contains(point) else { return false }
        let (vowel, last) = (point - syllables.lowerBound).quotientAndRemainder(dividingBy: perVowel)
        let parts = vowel.quotientAndRemainder(dividingBy: UInt32(vowels.count))
        output.append(leading.lowerBound + parts.quotient)
        output.append(vowels.lowerBound + parts.remainder)
        if last > 0 { output.append(trailing.lowerBound + last - 1) }
        return true
    }
}
