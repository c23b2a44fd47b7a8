import PacelineCluster
import PacelineSpeculation

/// A simulated verifier process.
struct VerifierProcess {
    var machine: VerifierMachine
    let target: MockTarget
    var state = ProcessState()
    var compute = ComputeState<Pass>()
    /// The identifiers that this process life has given out.
    var linkCount: UInt64 = 0
    var requestCount: UInt64 = 0
    var inbox: [VerifierMachine.Event] = []
    var isHandling = false
    /// What clients did while it was stopped.
    var backlog: [VerifierMachine.Event] = []
    /// Since when its next pass could have started; nil while a pass runs or nothing is to be done.
    var readySince: Instant?
    /// Since when some request has been running; nil while none is.
    var busySince: Instant?

    init(machine: VerifierMachine, target: MockTarget, life: Int) {
        self.machine = machine
        self.target = target
        state.life = life
    }
}

/// Names a link of a verifier's process life.
struct VerifierLinkKey: Hashable {
    var verifier: Int
    var life: Int
    var link: LinkID
}

/// Names a request at a verifier's process life.
struct AttemptKey: Hashable {
    var verifier: Int
    var life: Int
    var request: RequestID
}
