import PacelineCluster

/// A simulated worker process and the host it runs on.
struct WorkerProcess {
    /// What the compute thread will bring: it is known when a job begins, because how long the job takes depends on it.
    struct Drafted {
        var result: DraftResult?
    }

    var machine: WorkerMachine
    var host: DraftHost
    let effort: DraftEffort
    var state = ProcessState()
    var compute = ComputeState<Drafted>()
    var inbox: [WorkerMachine.Event] = []
    var isHandling = false
    /// What its kernel keeps for it while it is stopped.
    var backlog: [WorkerMachine.Event] = []
    /// The connection of each of its links.
    var connections: [LinkID: Int] = [:]
    /// Something corrupt has reached it in this life.
    var hasMetPoison = false
    /// Directions in which the host's network is cut.
    var isCutToVerifier = false
    var isCutToWorker = false
    /// No verifier will have it.
    var isRefused = false

    init(machine: WorkerMachine, host: DraftHost, effort: DraftEffort, life: Int) {
        self.machine = machine
        self.host = host
        self.effort = effort
        state.life = life
    }

    func isCut(to side: Connection.Side) -> Bool {
        side == .worker ? isCutToWorker : isCutToVerifier
    }
}
