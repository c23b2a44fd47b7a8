/// The protocol's limits. A peer that exceeds one is answered with a typed error and the connection is closed.
package enum WireLimits {
    /// The version of the frame header.
    package static let framingVersion: UInt16 = 1
    /// The protocol versions that this build speaks.
    package static let protocolVersions: ClosedRange<Int> = 1...1

    /// Bytes of a payload before the handshake has ended.
    package static let handshakePayload = 4 << 10
    /// Bytes of the payload of any message but `Open` and `Tree`.
    package static let controlPayload = 16 << 10
    /// Bytes of the payload of a `Tree`.
    package static let treePayload = 64 << 10
    /// Bytes of any payload.
    package static let framePayload = 1 << 20

    package static let treeNodes = 512
    package static let treeDepth = 32
    package static let treeWidth = 64
    package static let baseLength = 1 << 18
    package static let vocabularySize = 1 << 20
    package static let requests = 1024
    package static let shards = 64
    package static let graceMilliseconds = 3_600_000

    package static let nameBytes = 128
    package static let modelBytes = 256
    package static let reasonBytes = 512
    /// Bytes of a tokenizer hash, a nonce and a proof.
    package static let digestBytes = 32
}
