/// The 64-bit hash FNV-1a: small, equal on every machine, and no defence against who looks for collisions.
///
/// It starts with the offset basis 0xcbf29ce484222325. For every byte, it exclusive-ors the byte in and multiplies by
/// 0x100000001b3 modulo 2^64 (Fowler, Noll and Vo; RFC 9923).
package struct FNV1a: Sendable, Hashable {
    package private(set) var value: UInt64

    /// - Parameter value: of the bytes before; the hash of no bytes is the offset basis.
    package init(_ value: UInt64 = 0xcbf2_9ce4_8422_2325) {
        self.value = value
    }

    package init(_ bytes: some Sequence<UInt8>) {
        self.init()
        for byte in bytes { absorb(byte) }
    }

    package mutating func absorb(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01b3
    }
}
