package import PacelineWire

/// Why a link ended, or was never made.
package enum LinkFault: Error, Equatable, Sendable {
    /// Bytes that are not a frame, or a payload that is not a message; `code` tells which.
    case malformed(code: Message.Fault.Code, reason: String)
    /// A well-formed message that the state of the link does not allow.
    case unexpected(MessageType, state: String)
    /// A message that breaks an agreement, such as a tree beyond its credit.
    case violation(String)
    case noCommonVersion(ours: ClosedRange<Int>, theirs: ClosedRange<Int>)
    case otherModel(target: ModelFingerprint, drafter: ModelFingerprint)
    case authenticationFailed(AuthenticationFailure)
    case handshakeTimedOut(after: Duration)
    case silent(for: Duration)
    case writeStalled(for: Duration)
    case outboundOverflow(bytes: Int, limit: Int)
    case overloaded(String)
    /// A newer connection of the same peer has taken over.
    case superseded
    /// The other side closed with a `Fault`.
    case reported(code: Message.Fault.Code, reason: String)
    /// The transport could not be made.
    case unreachable(SocketFailure)
    /// The transport ended; `reason` is nil for an orderly end of the stream.
    case disconnected(reason: String?)
    /// This side is shutting down.
    case shutdown
    case `internal`(String)
}

extension LinkFault {
    /// The code to tell the other side; nil where telling it is useless.
    var reportedCode: Message.Fault.Code? {
        switch self {
        case .malformed(let code, _): code
        case .unexpected: .unexpected
        case .violation, .outboundOverflow: .limit
        case .noCommonVersion: .version
        case .otherModel: .fingerprint
        case .authenticationFailed: .authentication
        case .handshakeTimedOut, .silent, .writeStalled: .timeout
        case .overloaded: .overloaded
        case .superseded: .fenced
        case .reported, .unreachable, .disconnected, .shutdown: nil
        case .internal: .internal
        }
    }

    /// Whether the other side has a newer connection of this process.
    var isFencing: Bool {
        if case .reported(code: .fenced, _) = self { true } else { false }
    }

    /// Whether trying again is pointless until somebody changes a setting.
    ///
    /// Being fenced does not count. The network may deliver the `Hello` of an abandoned connection after that of its
    /// successor, and then the only connection in use is fenced.
    package var isPermanent: Bool {
        switch self {
        case .noCommonVersion, .otherModel, .authenticationFailed: true
        case .reported(let code, _): [.version, .fingerprint, .authentication].contains(code)
        default: false
        }
    }
}

extension LinkFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed(_, let reason): reason
        case .unexpected(let type, let state): "a \(type) message came while \(state)"
        case .violation(let reason): reason
        case .noCommonVersion(let ours, let theirs):
            "no common protocol version: this side speaks \(ours.words), the other \(theirs.words)"
        case .otherModel(let target, let drafter): Self.describe(target: target, drafter: drafter)
        case .authenticationFailed(let reason): "authentication failed: \(reason)"
        case .handshakeTimedOut(let limit): "the handshake was not over after \(limit)"
        case .silent(let span): "nothing came for \(span)"
        case .writeStalled(let span): "the peer took no bytes for \(span)"
        case .outboundOverflow(let bytes, let limit):
            "the peer reads too slowly: \(bytes) bytes are waiting for it, and at most \(limit) may"
        case .overloaded(let what): "there is no room for another peer: \(what)"
        case .superseded: "a newer connection of the same peer took over"
        case .reported(let code, let reason): "the other side closed the link (\(code)): \(reason.printable)"
        case .unreachable(let failure): "the other side cannot be reached: \(failure)"
        case .disconnected(let reason): reason.map { "the connection broke: \($0)" } ?? "the peer closed the connection"
        case .shutdown: "this side is shutting down"
        case .internal(let reason): "internal failure: \(reason)"
        }
    }

    private static func describe(target: ModelFingerprint, drafter: ModelFingerprint) -> String {
        let areCounted = target.tokens != nil && drafter.tokens != nil
        let (ours, theirs) =
            areCounted
            ? (target.tokenCount, drafter.tokenCount) : (target.vocabularySize, drafter.vocabularySize)
        let sizes = ours == theirs ? "" : " (\(ours) and \(theirs) tokens)"
        return "the target \(target.model) and the drafter \(drafter.model) do not share a tokenizer\(sizes); "
            + "use a drafter of the target's family, or let this one propose the target's tokens: "
            + "-md NAME:tokenizer=TARGET"
    }
}

extension ClosedRange<Int> {
    fileprivate var words: String {
        lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound) to \(upperBound)"
    }
}
