import PacelineSpeculation
import PacelineWire

/// What a verifier knows of one connected worker.
struct WorkerRecord: Sendable {
    let peer: LinkPeer
    var isDraining = false
    /// Requests that are open at the worker, in the order they were opened.
    var requests: [RequestID] = []
    /// Requests that the worker gave up; they are not offered to it again.
    var refused: Set<RequestID> = []
    /// What was learned of the worker's drafting, in all its requests.
    var profile: WorkerProfile
    var draftTokens = 0
    var acceptedTokens = 0
    /// Trees that were of no use when they came.
    var staleTrees = 0

    init(peer: LinkPeer, profile: WorkerProfile) {
        self.peer = peer
        self.profile = profile
    }

    /// What the worker drafts with; workers with the same drafter repeat one another unless told apart.
    var drafter: String {
        peer.fingerprint?.model ?? peer.name
    }
}
