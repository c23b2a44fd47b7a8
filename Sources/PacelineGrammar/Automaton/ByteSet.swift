/// A set of bytes.
package struct ByteSet: Hashable, Sendable {
    private var words: SIMD4<UInt64>

    package init() {
        words = .zero
    }

    package init(_ bytes: some Sequence<UInt8>) {
        self.init()
        for byte in bytes { insert(byte) }
    }

    package static let all = ByteSet(0...255)

    package mutating func insert(_ byte: UInt8) {
        words[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
    }

    package func contains(_ byte: UInt8) -> Bool {
        words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1
    }

    package var isEmpty: Bool { words == .zero }

    package func union(_ other: ByteSet) -> ByteSet {
        var result = self
        result.words |= other.words
        return result
    }

    /// Those below 128.
    package var ascii: ByteSet {
        var result = self
        (result.words.z, result.words.w) = (0, 0)
        return result
    }

    func isSubset(of other: ByteSet) -> Bool { words & other.words == words }

    package var count: Int { (0..<4).reduce(0) { $0 + words[$1].nonzeroBitCount } }

    /// The byte, if there is just one.
    package var only: UInt8? {
        guard count == 1, let word = (0..<4).first(where: { words[$0] != 0 }) else { return nil }
        return UInt8(64 * word + words[word].trailingZeroBitCount)
    }

    package var bytes: [UInt8] { (0...255).filter { contains($0) } }
}

/// Bytes that no automaton of a grammar tells apart, numbered from 0.
struct ByteClasses: Sendable {
    /// The class of each byte.
    private(set) var classes = [UInt8](repeating: 0, count: 256)
    private(set) var count = 1

    /// One byte of each class.
    var representatives: [UInt8] {
        var found = [UInt8](repeating: 0, count: count)
        for byte in (UInt8.min ... .max).reversed() { found[Int(classes[Int(byte)])] = byte }
        return found
    }

    /// The bytes of each class.
    var members: [ByteSet] {
        var members = [ByteSet](repeating: ByteSet(), count: count)
        for byte in UInt8.min ... .max { members[Int(classes[Int(byte)])].insert(byte) }
        return members
    }

    /// Splits classes until `label` is equal for all bytes of each one.
    mutating func refine(by label: (UInt8) -> Int) {
        var numbers: [SIMD2<Int>: UInt8] = [:]
        for byte in UInt8.min ... .max {
            let key = SIMD2(Int(classes[Int(byte)]), label(byte))
            // At most 256 different keys, since there are no more bytes.
            let number = numbers[key] ?? UInt8(numbers.count)
            numbers[key] = number
            classes[Int(byte)] = number
        }
        count = numbers.count
    }
}
