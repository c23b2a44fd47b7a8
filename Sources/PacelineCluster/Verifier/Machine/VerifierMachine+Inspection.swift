extension VerifierMachine {
    /// Requests that run, cheaper than ``snapshot`` where it is asked on every step.
    package var runningCount: Int { running.count }

    /// Requests that wait for a slot.
    package var waitingCount: Int { waiting.count }

    /// Workers that are connected.
    package var workerCount: Int { links.values.count { $0.worker != nil } }

    /// Connections of all kinds.
    package var linkCount: Int { links.count }
}
