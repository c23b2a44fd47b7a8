package import PacelineWire

/// Something that happened at a verifier and that an operator may want to read; the shell logs it.
package enum VerifierNote: Sendable, Equatable {
    case workerJoined(LinkID, LinkPeer)
    case workerDraining(LinkID, reason: String)
    case linkClosed(LinkID, name: String?, LinkFault)
    /// A worker's tree broke off; its later deltas are ignored until it starts a new one.
    case treeRefused(LinkID, RequestID, reason: String)
    case workerGaveUp(LinkID, RequestID, Message.Close.Reason, detail: String)
    case engineFailed(String)
    /// Every request has ended after a drain was asked for.
    case drained
}
