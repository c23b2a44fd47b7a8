import Synchronization

/// The commands that checks run at the moment: faults must not strike them, and the guard ends them if the nemesis
/// dies.
final class CheckCommands: Sendable {
    private let groups = Mutex<Set<Int32>>([])
    private let processGuard: ProcessGuard?

    init(_ processGuard: ProcessGuard?) {
        self.processGuard = processGuard
    }

    /// Starts one; there is no moment at which it runs and nobody knows.
    func start(_ command: ScheduledCommand, output: Int32) throws(ProcessError) -> SpawnedProcess {
        try groups.withLock { groups throws(ProcessError) in
            let process = try SpawnedProcess.start(command, output: output)
            groups.insert(process.pid)
            processGuard?.started(process)
            return process
        }
    }

    /// Its group is gone.
    func ended(_ process: SpawnedProcess) {
        _ = groups.withLock { $0.remove(process.pid) }
        processGuard?.tell(.ended(group: process.pid))
    }

    /// Looks for something among processes while no command begins or ends.
    func find(_ selector: ProcessSelector, launchers: Set<Int32>) throws(ProcessError) -> ProcessEntry {
        try groups.withLock { groups throws(ProcessError) in
            var helpers = HelperCommands()
            (helpers.groups, helpers.launchers) = (groups, launchers)
            return try selector.findOne(besides: helpers)
        }
    }
}
