/// Something that happened at a worker and that an operator may want to read; the shell logs it.
package enum WorkerNote: Sendable, Equatable {
    case joined(endpoint: Int, LinkPeer)
    /// The link ended; the next attempt comes after `retry`, or never if nil.
    case linkClosed(endpoint: Int, LinkFault, retry: Duration?)
    case sessionFailed(DraftSessionID, reason: String)
    case verifierDraining(endpoint: Int, reason: String)
}
