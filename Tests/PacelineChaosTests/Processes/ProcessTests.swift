import CPacelineProcess
import Glibc
import PacelineCluster
import Testing

@testable import PacelineChaos

@Suite("Processes that are struck", .serialized)
struct ProcessTests {
    /// Runs `body` with a process that waits, and ends it.
    private static func withProcess(
        _ arguments: [String],
        _ body: (SpawnedProcess, ProcessEntry) async throws -> Void
    ) async throws {
        let process = try SpawnedProcess.start(ScheduledCommand(arguments: arguments))
        do {
            try await body(process, #require(ProcessTable.entry(process.pid)))
        } catch {
            process.kill()
            throw error
        }
        process.kill()
    }

    private static func state(_ pid: Int32) -> Character? { ProcessTable.entry(pid)?.state }

    @Test("are stopped and continued, and end when they are killed")
    func signals() async throws {
        try await Self.withProcess(["sleep", "1000"]) { process, entry in
            try ProcessControl.send(.stop, to: entry, withDescendants: false)
            #expect(Self.state(process.pid) == "T")
            try ProcessControl.send(.resume, to: entry, withDescendants: false)
            try await eventually("the process does not go on") { Self.state(process.pid) != "T" }
            try ProcessControl.send(.kill, to: entry, withDescendants: false)
            #expect(await process.exit() == .signal(SIGKILL))
        }
    }

    @Test("end in order, with their status")
    func ends() async throws {
        let process = try SpawnedProcess.start(ScheduledCommand(arguments: ["sh", "-c", "exit 7"]))
        #expect(await process.exit() == .status(7))
        process.kill()
        let sleeper = try SpawnedProcess.start(ScheduledCommand(arguments: ["sleep", "1000"]))
        await sleeper.end(grace: .seconds(10))
        #expect(await sleeper.exit() == .signal(SIGTERM))
        #expect(throws: ProcessError.self) { try SpawnedProcess.start(ScheduledCommand(arguments: ["/nobody/x"])) }
    }

    @Test("take their descendants along", arguments: [ProcessSignal.kill, .stop])
    func descendants(signal: ProcessSignal) async throws {
        let command = ["sh", "-c", "sh -c 'sleep 1000 & sleep 1001; true' & sleep 1002; true"]
        try await Self.withProcess(command) { process, entry in
            try await eventually("the family does not begin") {
                ProcessTable().descendants(of: process.pid).count == 4
            }
            let told = try ProcessControl.send(signal, to: entry, withDescendants: true)
            #expect(told.count == 5)
            for member in told {
                let now = ProcessTable.entry(member.pid)
                let isThere = now?.startTime == member.startTime && now?.hasEnded == false
                #expect(signal == .kill ? !isThere : now?.isStopped == true)
            }
        }
    }

    @Test("leave nothing in their group when they end, even what ignores to be told")
    func groups() async throws {
        let command = ["sh", "-c", "(trap '' TERM; sleep 1000; sleep 1000) & sleep 1000; true"]
        let process = try SpawnedProcess.start(ScheduledCommand(arguments: command))
        try await eventually("the group does not begin") {
            ProcessTable().entries.count { $0.group == process.pid } == 4
        }
        await process.end(grace: .milliseconds(100))
        // The kernel takes its time to remove them.
        let isThere = { ProcessTable().entries.contains { $0.group == process.pid && !$0.hasEnded } }
        for _ in 0..<200 where isThere() { usleep(10_000) }
        #expect(!isThere())
    }

    @Test("inherit no descriptor")
    func inheritance() async throws {
        let listener = try RawListener()
        let outcome = try await CheckRun.run(
            ScheduledCommand(arguments: ["sh", "-c", "ls -l /proc/$$/fd | grep -c socket; true"]),
            timeout: .seconds(20)
        )
        #expect(outcome.ending == .status(0) && outcome.output == Array("0\n".utf8))
        #expect(listener.endpoint.port > 0)
    }

    @Test("run in their folder with their variables, and write to their file")
    func surroundings() async throws {
        var command = ScheduledCommand(arguments: ["sh", "-c", "pwd; echo $COLOUR"])
        command.directory = "/usr"
        command.environment = ["COLOUR": "blue"]
        let outcome = try await CheckRun.run(command, timeout: .seconds(20))
        #expect(String(decoding: outcome.output, as: UTF8.self) == "/usr\nblue\n")
    }

    @Test("are ended when a command takes too long, with all that it has started")
    func timeout() async throws {
        let command = ScheduledCommand(arguments: ["sh", "-c", "echo begun; sleep 987654 & sleep 987654"])
        let outcome = try await CheckRun.run(command, timeout: .milliseconds(300))
        #expect(outcome.ending == nil && outcome.output == Array("begun\n".utf8))
        for _ in 0..<200 where (try? ProcessSelector.match("sleep 987654").find()) != nil { usleep(10_000) }
        let selector = ProcessSelector.match("sleep 987654")
        #expect(throws: ProcessError.notFound(selector)) { try selector.find() }
    }

    @Test("are found by number, PID file, command line and port")
    func selectors() async throws {
        let program =
            "import socket,time; s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen(); "
            + "print(s.getsockname()[1], flush=True); time.sleep(1000)"
        let file = "/tmp/paceline-process-\(getpid())"
        var command = ScheduledCommand(arguments: ["python3", "-c", program, "unmistakable-\(getpid())"])
        command.output = file
        let process = try SpawnedProcess.start(command)
        defer {
            process.kill()
            unlink(file)
        }
        var port: Int?
        try await eventually("the server does not begin") {
            port = SystemFile.read(file).flatMap { Int(String(decoding: $0, as: UTF8.self).dropLast()) }
            return port != nil
        }
        #expect(try ProcessSelector.pid(process.pid).findOne().pid == process.pid)
        #expect(try ProcessSelector.match("unmistakable-\(getpid())").findOne().pid == process.pid)
        #expect(try ProcessSelector.port(#require(port)).findOne().pid == process.pid)
        unlink(file)
        let descriptor = open(file, O_WRONLY | O_CREAT, 0o600)
        let text = Array("  \(process.pid)\n/var/lib\n".utf8)
        #expect(write(descriptor, text, text.count) == text.count)
        _ = close(descriptor)
        #expect(try ProcessSelector.pidFile(file).findOne().pid == process.pid)
    }

    @Test("are never this one, one that it comes from, or the first of the system")
    func refusals() throws {
        #expect(throws: ProcessError.own(getpid())) { try ProcessSelector.pid(getpid()).find() }
        #expect(throws: ProcessError.own(getppid())) { try ProcessSelector.pid(getppid()).find() }
        #expect(throws: ProcessError.system) { try ProcessSelector.pid(1).find() }
        #expect(throws: ProcessError.invalid("0")) { try ProcessSelector.pid(0).find() }
        #expect(throws: ProcessError.invalid("-5")) { try ProcessSelector.pid(-5).find() }
        #expect(throws: ProcessError.unreadable("/nobody")) { try ProcessSelector.pidFile("/nobody").find() }
        #expect(throws: ProcessError.noNumber("/etc/passwd")) { try ProcessSelector.pidFile("/etc/passwd").find() }
        let own = try #require(ProcessTable.entry(getpid())).arguments.joined(separator: " ")
        #expect(throws: ProcessError.notFound(.match(own))) { try ProcessSelector.match(own).find() }
    }

    @Test("of which several match are not struck by chance")
    func several() async throws {
        let mark = "1000.\(getpid())"
        try await Self.withProcess(["sleep", mark]) { first, _ in
            try await Self.withProcess(["sleep", mark]) { second, _ in
                let selector = ProcessSelector.match("sleep \(mark)")
                #expect(throws: ProcessError.several(selector, [first.pid, second.pid].sorted())) {
                    try selector.findOne()
                }
            }
        }
    }

    @Test("are left alone when their number belongs to another process by now")
    func reuse() async throws {
        try await Self.withProcess(["sleep", "1000"]) { process, entry in
            let old = ProcessEntry(
                pid: entry.pid,
                parent: entry.parent,
                group: entry.group,
                state: entry.state,
                startTime: entry.startTime &- 1
            )
            try ProcessControl.send(.kill, to: old, withDescendants: false)
            #expect(process.ending == nil && Self.state(process.pid) != "Z")
        }
    }

    @Test("are remembered by a guard until they have ended or go on")
    func guarding() async throws {
        var guarded = GuardedProcesses()
        let lines = "started 50 5,started 60 6,ended 50,stopped 70 7,stopped 80 8,resumed 70,x,started 1 1,started 90"
        for line in lines.split(separator: ",") { guarded.take(line) }
        #expect(guarded.groups == [60: 6] && guarded.stopped == [80: 8])
        let process = try SpawnedProcess.start(ScheduledCommand(arguments: ["sh", "-c", "sleep 1000 & sleep 1000"]))
        let neighbour = try SpawnedProcess.start(ScheduledCommand(arguments: ["sleep", "1000"]))
        defer { neighbour.kill() }
        try await Self.withProcess(["sleep", "1000"]) { other, entry in
            try ProcessControl.send(.stop, to: entry, withDescendants: false)
            var guarded = GuardedProcesses()
            let begun = try #require(ProcessTable.entry(process.pid)).startTime
            guarded.take("started \(process.pid) \(begun)")
            // Has the number, and is another one.
            guarded.take("started \(neighbour.pid) 1")
            guarded.take("stopped \(other.pid) \(entry.startTime)")
            guarded.leaveNothing()
            try await eventually("the process does not go on") { Self.state(other.pid) != "T" }
            #expect(other.ending == nil && neighbour.ending == nil)
        }
        #expect(await process.exit() == .signal(SIGTERM))
        process.kill()
    }

    @Test("are told to a guard that somebody has stopped, and nobody waits for it", .timeLimit(.minutes(2)))
    func stoppedGuard() async throws {
        signal(SIGPIPE, SIG_IGN)
        let processGuard = try ProcessGuard(ScheduledCommand(arguments: ["sleep", "1000"]))
        for number in 2..<20_000 as Range<Int32> {
            processGuard.tell(.started(group: number, startTime: 5))
            processGuard.tell(.ended(group: number))
        }
        // What a pipe does not take any more and is over is forgotten.
        #expect(processGuard.pendingCount < 100)
        let process = try #require(processGuard.process)
        process.signal(SIGSTOP)
        await processGuard.close()
        #expect(process.ending != nil)
    }

    @Test("are never mistaken for one that has got their number")
    func handles() async throws {
        let process = try SpawnedProcess.start(ScheduledCommand(arguments: ["sleep", "1000"]))
        let handle = pl_process_open(process.pid)
        defer { _ = close(handle) }
        #expect(handle >= 0 && pl_process_signal(handle, 0) == 0)
        process.kill()
        try await eventually("the process is not reaped") { ProcessTable.entry(process.pid) == nil }
        #expect(pl_process_signal(handle, 0) == -1 && errno == ESRCH)
    }

    /// A process that waits in the kernel for its child, where no signal but SIGKILL reaches it.
    private static func withBusyProcess(
        _ body: (ProcessEntry, ProcessEntry) async throws -> Void
    ) async throws {
        // CLONE_VFORK and SIGCHLD: the parent waits until the child ends, and shares no memory with it.
        let program =
            "import ctypes,os,platform,time; number = 220 if platform.machine() == 'aarch64' else 56\n"
            + "if ctypes.CDLL(None).syscall(number, 0x4000 | 17, 0, 0, 0, 0) == 0: time.sleep(1000); os._exit(0)\n"
            + "time.sleep(1000)"
        try await withProcess(["python3", "-c", program]) { process, entry in
            var child: ProcessEntry?
            try await eventually("the child does not begin") {
                child = ProcessTable().descendants(of: process.pid).first
                return child != nil && state(process.pid) == "D"
            }
            try await body(entry, #require(child))
        }
    }

    @Test("that cannot be stopped are not left to stop later", arguments: [false, true])
    func lateStop(withDescendants: Bool) async throws {
        try await Self.withBusyProcess { entry, child in
            #expect(throws: ProcessError.unchanged(entry.pid, expected: "stopped")) {
                try ProcessControl.send(.stop, to: entry, withDescendants: withDescendants)
            }
            try ProcessControl.send(.kill, to: child, withDescendants: false)
            // One that is to stop would do so before anything else.
            try await eventually("the process does not go on") { Self.state(entry.pid) == "S" }
        }
    }

    @Test("that cannot be stopped are killed all the same, with their descendants")
    func killWithoutStop() async throws {
        try await Self.withBusyProcess { entry, child in
            let told = try ProcessControl.send(.kill, to: entry, withDescendants: true)
            #expect(Set(told.map(\.pid)) == [entry.pid, child.pid])
            #expect(!ProcessControl.isAlive(entry) && !ProcessControl.isAlive(child))
        }
    }
}
