package import PacelineSpeculation

/// A set of tokens as one bit each.
package struct TokenBits: Hashable, Sendable {
    /// Token t is bit t % 64 of word t / 64.
    package private(set) var words: [UInt64]

    package init(count: Int) {
        words = Array(repeating: 0, count: (count + 63) / 64)
    }

    package mutating func insert(_ token: Token) {
        words[Int(token >> 6)] |= 1 << UInt64(token & 63)
    }

    mutating func insert(_ tokens: ArraySlice<Token>) {
        words.withUnsafeMutableBufferPointer { words in
            tokens.withUnsafeBufferPointer { tokens in
                for token in tokens { words[Int(token >> 6)] |= 1 << UInt64(token & 63) }
            }
        }
    }

    package func contains(_ token: Token) -> Bool {
        let word = Int(token >> 6)
        return word < words.count && words[word] >> UInt64(token & 63) & 1 == 1
    }

    package mutating func formUnion(_ other: TokenBits) {
        for (place, word) in other.words.enumerated() { words[place] |= word }
    }

    package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    package var tokens: [Token] {
        words.enumerated().flatMap { place, word in
            (0..<64).filter { word >> UInt64($0) & 1 == 1 }.map { Token(place * 64 + $0) }
        }
    }
}
