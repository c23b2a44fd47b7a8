/// A 64-bit rolling hash of a sequence's committed tokens, which tells peers whether they mean the same base.
///
/// ``FNV1a`` over the tokens in order, each as four bytes, least significant first. It guards against mistakes, not
/// against attacks: the base length travels beside it, and nothing that a worker sends affects the output.
package struct BaseHash: Sendable, Hashable {
    private var hash = FNV1a()

    /// The hash of no tokens.
    package init() {}

    package init(rawValue: UInt64) {
        hash = FNV1a(rawValue)
    }

    package var rawValue: UInt64 { hash.value }

    package init(_ tokens: [Token]) {
        append(tokens)
    }

    package init(_ tokens: some Sequence<Token>) {
        append(tokens)
    }

    package mutating func append(_ token: Token) {
        hash.absorb(UInt8(truncatingIfNeeded: token))
        hash.absorb(UInt8(truncatingIfNeeded: token >> 8))
        hash.absorb(UInt8(truncatingIfNeeded: token >> 16))
        hash.absorb(UInt8(truncatingIfNeeded: token >> 24))
    }

    /// The same for an array, which other modules cannot specialise the next function for.
    package mutating func append(_ tokens: [Token]) {
        for token in tokens {
            append(token)
        }
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
