/// How far a connection has come, which decides what its peer may send.
package enum LinkPhase: Sendable, Equatable {
    /// Until both sides have seen `Welcome`: only the handshake's messages, and only small ones.
    case handshake
    /// Afterwards. `limits` bound what this side takes from its peer; token ids are below `vocabularySize`; `version`
    /// is that of the protocol.
    case established(limits: LinkLimits, vocabularySize: Int, version: Int)

    /// The most bytes that the payload of a message may have; `nil` where the message may not come at all.
    package func payloadCap(of type: MessageType) -> Int? {
        switch (self, type) {
        case (_, .fault): WireLimits.handshakePayload
        case (.handshake, .hello), (.handshake, .challenge), (.handshake, .authenticate), (.handshake, .welcome):
            WireLimits.handshakePayload
        case (.handshake, _): nil
        case (.established, .hello), (.established, .challenge), (.established, .authenticate),
            (.established, .welcome):
            nil
        case (.established(let limits, _, _), .open): limits.framePayload
        case (.established(let limits, _, let version), .base): version >= 2 ? limits.framePayload : nil
        case (.established(let limits, _, _), .tree): min(limits.treePayload, limits.framePayload)
        case (.established(let limits, _, _), _): min(WireLimits.controlPayload, limits.framePayload)
        }
    }

    /// Bounds on a worker's tree.
    var treeLimits: (nodes: Int, depth: Int) {
        switch self {
        case .handshake: (0, 0)
        case .established(let limits, _, _): (limits.treeNodes, limits.treeDepth)
        }
    }

    var vocabularySize: Int {
        switch self {
        case .handshake: 0
        case .established(_, let vocabularySize, _): vocabularySize
        }
    }

    /// Of the protocol; the oldest while none is agreed on.
    package var version: Int {
        switch self {
        case .handshake: WireLimits.protocolVersions.lowerBound
        case .established(_, _, let version): version
        }
    }

    /// Tokens that a base may have.
    var baseLength: Int { WireLimits.baseLength(version: version) }
}
