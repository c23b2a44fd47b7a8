/// A set of Unicode scalar values.
struct CodePointSet: Hashable, Sendable {
    /// Ascending, apart from each other, and without surrogates.
    private(set) var ranges: [ClosedRange<UInt32>]

    static let none = CodePointSet([])
    static let all = CodePointSet([0...0x10ffff])

    init(_ ranges: [ClosedRange<UInt32>]) {
        var parts: [ClosedRange<UInt32>] = []
        for range in ranges {
            // Surrogates are no characters, and UTF-8 does not have them.
            if range.lowerBound < 0xd800 { parts.append(range.lowerBound...min(range.upperBound, 0xd7ff)) }
            if range.upperBound > 0xdfff {
                parts.append(max(range.lowerBound, 0xe000)...min(max(range.upperBound, 0xe000), 0x10ffff))
            }
        }
        parts.sort { $0.lowerBound < $1.lowerBound }
        self.ranges = []
        for part in parts {
            if let last = self.ranges.last, part.lowerBound <= last.upperBound + 1 {
                self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, part.upperBound)
            } else {
                self.ranges.append(part)
            }
        }
    }

    init(_ text: String) {
        self.init(text.unicodeScalars.map { $0.value...$0.value })
    }

    var isEmpty: Bool { ranges.isEmpty }

    func contains(_ value: UInt32) -> Bool {
        ranges.contains { $0.contains(value) }
    }

    func union(_ other: CodePointSet) -> CodePointSet {
        CodePointSet(ranges + other.ranges)
    }

    var complement: CodePointSet {
        var gaps: [ClosedRange<UInt32>] = []
        var start: UInt32 = 0
        for range in ranges {
            if range.lowerBound > start { gaps.append(start...range.lowerBound - 1) }
            start = range.upperBound + 1
        }
        if start <= 0x10ffff { gaps.append(start...0x10ffff) }
        return CodePointSet(gaps)
    }

    func subtracting(_ other: CodePointSet) -> CodePointSet {
        complement.union(other).complement
    }
}

extension TermTable {
    /// One character of a set, in UTF-8.
    mutating func utf8(_ set: CodePointSet) -> Term {
        var parts: [Term] = []
        let ascii = set.ranges.flatMap { range in
            range.lowerBound > 0x7f ? [] : (range.lowerBound...min(range.upperBound, 0x7f)).map { UInt8($0) }
        }
        parts.append(byte(ByteSet(ascii)))
        for (length, limits) in [(2, 0x80...0x7ff), (3, 0x800...0xffff), (4, 0x10000...0x10ffff)] {
            for range in set.ranges {
                let lower = max(Int(range.lowerBound), limits.lowerBound)
                let upper = min(Int(range.upperBound), limits.upperBound)
                if lower <= upper { parts.append(utf8(UInt32(lower), UInt32(upper), length: length, isFirst: true)) }
            }
        }
        return choice(parts)
    }

    /// The encodings of a range, all of one length: the first byte with the bits that it carries, then the others.
    private mutating func utf8(_ lower: UInt32, _ upper: UInt32, length: Int, isFirst: Bool) -> Term {
        let mark: UInt32 = isFirst ? [0, 0, 0xc0, 0xe0, 0xf0][length] : 0x80
        let shift = UInt32(6 * (length - 1))
        let (first, last) = (lower >> shift, upper >> shift)
        let rest = UInt32(1) << shift - 1
        func head(_ range: ClosedRange<UInt32>) -> ByteSet { ByteSet(range.map { UInt8(mark | $0) }) }
        if length == 1 { return byte(head(first...last)) }
        if first == last {
            let tail = utf8(lower & rest, upper & rest, length: length - 1, isFirst: false)
            return sequence(byte(head(first...first)), tail)
        }
        var parts: [Term] = []
        var (from, to) = (first, last)
        if lower & rest != 0 {
            let tail = utf8(lower & rest, rest, length: length - 1, isFirst: false)
            parts.append(sequence(byte(head(from...from)), tail))
            from += 1
        }
        if upper & rest != rest {
            let tail = utf8(0, upper & rest, length: length - 1, isFirst: false)
            parts.append(sequence(byte(head(to...to)), tail))
            to -= 1
        }
        if from <= to {
            let tail = utf8(0, rest, length: length - 1, isFirst: false)
            parts.append(sequence(byte(head(from...to)), tail))
        }
        return choice(parts)
    }
}
