/// A 64-bit rolling hash of a sequence's committed tokens, which tells peers whether they mean the same base.
///
/// FNV-1a with 64 bits over the tokens in order, each as four bytes, least significant first. It starts with the offset
/// basis 0xcbf29ce484222325. For every byte, it exclusive-ors the byte in and multiplies by 0x100000001b3 modulo 2^64.
/// The hash of no tokens is the offset basis. It guards against mistakes, not against attacks: the base length travels
/// beside it, and nothing that a worker sends affects the output.
package struct BaseHash: Sendable, Hashable {
    package private(set) var rawValue: UInt64 = 0xcbf2_9ce4_8422_2325

    /// The hash of no tokens.
    package init() {}

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package init(_ tokens: some Sequence<Token>) {
        append(tokens)
    }

    package mutating func append(_ token: Token) {
        absorb(UInt8(truncatingIfNeeded: token))
        absorb(UInt8(truncatingIfNeeded: token >> 8))
        absorb(UInt8(truncatingIfNeeded: token >> 16))
        absorb(UInt8(truncatingIfNeeded: token >> 24))
    }

    private mutating func absorb(_ byte: UInt8) {
        rawValue = (rawValue ^ UInt64(byte)) &* 0x100_0000_01b3
    }

    package mutating func append(_ tokens: some Sequence<Token>) {
        for token in tokens {
            append(token)
        }
    }
}

extension BaseHash: CustomStringConvertible {
    /// Sixteen hexadecimal digits.
    package var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
