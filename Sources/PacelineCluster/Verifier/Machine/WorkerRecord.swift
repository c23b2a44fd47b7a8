import PacelineSpeculation
import PacelineWire

/// What a verifier knows of one connected worker.
struct WorkerRecord: Sendable {
    let peer: LinkPeer
    var isDraining = false
    /// What was learned of the worker's drafting, in all its requests.
    var profile: WorkerProfile
    var conduct = WorkerConduct()

    init(peer: LinkPeer, profile: WorkerProfile) {
        self.peer = peer
        self.profile = profile
    }

    /// What the worker drafts with; workers with the same drafter repeat one another unless told apart.
    var drafter: String {
        peer.fingerprint?.model ?? peer.name
    }
}
