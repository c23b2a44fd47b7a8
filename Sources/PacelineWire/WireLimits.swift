/// The protocol's limits. A peer that exceeds one gets a typed error, and the connection is closed.
package enum WireLimits {
    /// The version of the frame header.
    package static let framingVersion: UInt16 = 1
    /// The protocol versions that this build speaks.
    package static let protocolVersions: ClosedRange<Int> = 1...2

    /// Most bytes of a payload during the handshake.
    package static let handshakePayload = 4 << 10
    /// Most bytes of the payload of any message except `Open`, `Base` and `Tree`.
    package static let controlPayload = 16 << 10
    /// Most bytes of the payload of a `Tree`.
    package static let treePayload = 64 << 10
    /// Most bytes of any payload.
    package static let framePayload = 1 << 20

    package static let treeNodes = 512
    package static let treeDepth = 32
    package static let treeWidth = 64
    /// Most tokens of a base, and of a sequence that workers draft for.
    package static let baseLength = 1 << 24
    /// Most tokens of a base in one message.
    package static let basePart = 1 << 18
    package static let vocabularySize = 1 << 20
    /// Bytes of the largest token id in a packed array.
    package static let tokenBytes = 3
    /// The most numbers of one tap of a feature row.
    package static let featureWidth = 1 << 16
    /// The highest layer whose input a worker may read.
    package static let featureLayer = 1023
    package static let requests = 1024
    package static let shards = 64
    package static let graceMilliseconds = 3_600_000

    package static let nameBytes = 128
    package static let modelBytes = 256
    package static let reasonBytes = 512
    package static let requestIDBytes = 128
    /// Most bytes of a constraint's grammar.
    package static let grammarBytes = 64 << 10
    /// Bytes of the name of a trace.
    package static let traceIDBytes = 16
    /// Bytes of a hash, a nonce and a proof.
    package static let digestBytes = 32

    /// The most tokens of a base in a version of the protocol. In version 1, a base must fit in one message.
    package static func baseLength(version: Int) -> Int {
        version < 2 ? basePart : baseLength
    }
}
