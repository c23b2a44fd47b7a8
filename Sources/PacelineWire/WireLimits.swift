/// The protocol's limits. A peer that exceeds one is answered with a typed error and the connection is closed.
package enum WireLimits {
    /// The version of the frame header.
    package static let framingVersion: UInt16 = 1
    /// The protocol versions that this build speaks.
    package static let protocolVersions: ClosedRange<Int> = 1...2

    /// Bytes of a payload before the handshake has ended.
    package static let handshakePayload = 4 << 10
    /// Bytes of the payload of any message but `Open`, `Base` and `Tree`.
    package static let controlPayload = 16 << 10
    /// Bytes of the payload of a `Tree`.
    package static let treePayload = 64 << 10
    /// Bytes of any payload.
    package static let framePayload = 1 << 20

    package static let treeNodes = 512
    package static let treeDepth = 32
    package static let treeWidth = 64
    /// Tokens of a base, and of a sequence that workers draft for.
    package static let baseLength = 1 << 24
    /// Tokens of a base that one message carries.
    package static let basePart = 1 << 18
    package static let vocabularySize = 1 << 20
    /// Bytes of the largest token id, as arrays of them are written.
    package static let tokenBytes = 3
    package static let requests = 1024
    package static let shards = 64
    package static let graceMilliseconds = 3_600_000

    package static let nameBytes = 128
    package static let modelBytes = 256
    package static let reasonBytes = 512
    /// Bytes of a hash, a nonce and a proof.
    package static let digestBytes = 32

    /// Tokens that a base may have in a version of the protocol: version 1 has to say it in one message.
    package static func baseLength(version: Int) -> Int {
        version < 2 ? basePart : baseLength
    }
}
