import PacelineSpeculation

/// Random bytes for one handshake. They come from outside the machines: the shell draws them from the system, the
/// simulator from its seed.
package struct LinkNonce: Sendable, Equatable {
    /// 32 bytes.
    package let bytes: [UInt8]

    package init(using generator: inout some RandomNumberGenerator) {
        bytes = (0..<4).flatMap { _ in
            let word: UInt64 = generator.next()
            return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
    }

    /// From the system's generator, which nobody can predict.
    package static func random() -> LinkNonce {
        var generator = SystemRandomNumberGenerator()
        return LinkNonce(using: &generator)
    }
}
