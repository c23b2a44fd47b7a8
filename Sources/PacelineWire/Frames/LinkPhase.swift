package import PacelineSpeculation

/// The phase of a connection, which decides what its peer may send.
package enum LinkPhase: Sendable, Equatable {
    /// Until both sides have seen `Welcome`: only messages of the handshake, and only small ones.
    case handshake
    /// Afterwards. `limits` bound what this side accepts from its peer; token ids are below `vocabularySize`; `version`
    /// is the protocol version; `features` are those that both sides have agreed on, nil for none.
    case established(limits: LinkLimits, vocabularySize: Int, version: Int, features: FeatureDemand? = nil)

    /// The most bytes of a message's payload; `nil` if the message is not allowed at all.
    package func payloadCap(of type: MessageType) -> Int? {
        switch (self, type) {
        case (_, .fault): WireLimits.handshakePayload
        case (.handshake, .hello), (.handshake, .challenge), (.handshake, .authenticate), (.handshake, .welcome):
            WireLimits.handshakePayload
        case (.handshake, _): nil
        case (.established, .hello), (.established, .challenge), (.established, .authenticate),
            (.established, .welcome):
            nil
        case (.established(let limits, _, _, _), .open): limits.framePayload
        case (.established(let limits, _, let version, _), .base): version >= 2 ? limits.framePayload : nil
        case (.established(let limits, _, _, _), .features): features == nil ? nil : limits.framePayload
        case (.established(let limits, _, _, _), .tree): min(limits.treePayload, limits.framePayload)
        case (.established(let limits, _, _, _), _): min(WireLimits.controlPayload, limits.framePayload)
        }
    }

    /// Bounds on a worker's tree.
    var treeLimits: (nodes: Int, depth: Int) {
        switch self {
        case .handshake: (0, 0)
        case .established(let limits, _, _, _): (limits.treeNodes, limits.treeDepth)
        }
    }

    var vocabularySize: Int {
        switch self {
        case .handshake: 0
        case .established(_, let vocabularySize, _, _): vocabularySize
        }
    }

    /// The protocol version; the oldest one until a version is agreed.
    package var version: Int {
        switch self {
        case .handshake: WireLimits.protocolVersions.lowerBound
        case .established(_, _, let version, _): version
        }
    }

    /// What the verifier tells of the target's features; never anything in version 1.
    package var features: FeatureDemand? {
        switch self {
        case .handshake: nil
        case .established(_, _, let version, let features): version >= 2 ? features : nil
        }
    }

    /// The most tokens of a base.
    var baseLength: Int { WireLimits.baseLength(version: version) }
}
