/// A class of characters of which dialects think differently: Python's `\d` knows all of Unicode's digits, JavaScript's
/// ten.
///
/// What a class stands for is what all dialects agree on, so that a text of the grammar matches in every one.
struct RegexClass {
    /// Characters that are in the class in every dialect.
    var surely: CodePointSet
    /// Characters that are in the class in some dialect.
    var perhaps: CodePointSet

    init(_ set: CodePointSet) {
        (surely, perhaps) = (set, set)
    }

    private init(surely: CodePointSet, perhaps: CodePointSet) {
        (self.surely, self.perhaps) = (surely, perhaps)
    }

    var complement: RegexClass {
        RegexClass(surely: perhaps.complement, perhaps: surely.complement)
    }

    func union(_ other: RegexClass) -> RegexClass {
        RegexClass(surely: surely.union(other.surely), perhaps: perhaps.union(other.perhaps))
    }

    /// No digit of Unicode besides the ASCII ones comes before U+0660.
    static let digit = RegexClass(
        surely: CodePointSet([0x30...0x39]),
        perhaps: CodePointSet([0x30...0x39, 0x660...0x10ffff])
    )
    private static let asciiWord = CodePointSet([0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a])
    static let word = RegexClass(
        surely: asciiWord,
        perhaps: asciiWord.union(CodePointSet([0x80...0x10ffff]))
    )
    private static let commonSpace = CodePointSet([
        0x09...0x0d, 0x20...0x20, 0xa0...0xa0, 0x1680...0x1680, 0x2000...0x200a, 0x2028...0x2029, 0x202f...0x202f,
        0x205f...0x205f, 0x3000...0x3000,
    ])
    static let space = RegexClass(
        surely: commonSpace,
        perhaps: commonSpace.union(CodePointSet([0x1c...0x1f, 0x85...0x85, 0xfeff...0xfeff, 0x180e...0x180e]))
    )
    /// What `.` does not match.
    static let lineEnd = RegexClass(
        surely: CodePointSet("\n"),
        perhaps: CodePointSet([0x0a...0x0a, 0x0d...0x0d, 0x2028...0x2029, 0x85...0x85])
    )
}
