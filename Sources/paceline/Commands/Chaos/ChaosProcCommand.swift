import ArgumentParser
import PacelineChaos

/// `paceline chaos proc`: faults of processes.
struct ChaosProcCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "proc",
        abstract: "Kill, stop and continue processes.",
        discussion: """
              paceline chaos proc kill 4711
              paceline chaos proc stop --match "http.server 8001"
              paceline chaos proc cont --pid-file /run/redis.pid
              paceline chaos proc pause-for 2s --port 6379 --tree

            A stopped process looks healthy to its peers' kernels: it accepts connections and bytes, and answers \
            nothing. Processes are named by number, by PID file, by port, or by a part of the command line; if several \
            match, nothing happens without --all. This program, those that started it, and process 1 are never struck.
            """,
        subcommands: [
            ChaosProcKillCommand.self, ChaosProcStopCommand.self, ChaosProcContinueCommand.self,
            ChaosProcPauseCommand.self,
        ]
    )
}

/// Which processes.
struct ProcessOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("Numbers of processes.", valueName: "pid"))
    var pids: [Int32] = []

    @Option(help: ArgumentHelp("A part of the command line, with single spaces between words.", valueName: "text"))
    var match: String?

    @Option(help: ArgumentHelp("A file that begins with the number of the process.", valueName: "file"))
    var pidFile: String?

    @Option(help: ArgumentHelp("The port that the process listens on.", valueName: "port"))
    var port: UInt16?

    @Flag(help: "Strike all processes that match, not just one.")
    var all = false

    @Flag(help: "Strike the descendants of the processes, too.")
    var tree = false

    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        guard match != "" else { throw ValidationError("--match must not be empty, since that would match everything") }
        guard !selectors.isEmpty else {
            throw ValidationError("name a process: its number, --match, --pid-file or --port")
        }
    }

    private var selectors: [ProcessSelector] {
        pids.map { .pid($0) } + (match.map { [.match($0)] } ?? []) + (pidFile.map { [.pidFile($0)] } ?? [])
            + (port.map { [.port(Int($0))] } ?? [])
    }

    /// Finds all before any is told.
    func find() throws -> [ProcessEntry] {
        var found: [ProcessEntry] = []
        for selector in selectors {
            do throws(ProcessError) {
                let entries = all ? try selector.find() : [try selector.findOne()]
                for entry in entries where !found.contains(entry) { found.append(entry) }
            } catch {
                guard case .several = error else { throw error }
                throw ValidationError("\(error), or pass --all")
            }
        }
        return found
    }

    /// Sends a signal to all.
    ///
    /// - Returns: all that were told.
    func send(_ signal: ProcessSignal, to entries: [ProcessEntry]) throws -> [ProcessEntry] {
        var told: [ProcessEntry] = []
        for entry in entries { told += try ProcessControl.send(signal, to: entry, withDescendants: tree) }
        return told
    }

    func report(_ done: String, _ told: [ProcessEntry]) throws {
        struct Report: Encodable {
            let done: String
            let pids: [Int32]
        }
        let pids = told.map(\.pid)
        if json { return try StandardOutput.json(Report(done: done, pids: pids)) }
        let list = pids.map { "\($0)" }.joined(separator: ", ")
        try StandardOutput.write("\(done) process\(pids.count == 1 ? "" : "es") \(list)\n")
    }
}

/// `paceline chaos proc kill`.
struct ChaosProcKillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "End processes, with SIGKILL unless another signal is named."
    )

    @Option(help: ArgumentHelp("\(ProcessSignal.endNames).", valueName: "signal"))
    var signal = "KILL"

    @OptionGroup var processes: ProcessOptions

    func validate() throws {
        guard let known = ProcessSignal(named: signal), ProcessSignal.ends.contains(known) else {
            throw ValidationError("--signal must be one of \(ProcessSignal.endNames), not \(signal)")
        }
    }

    func run() throws {
        let signal = ProcessSignal(named: signal) ?? .kill
        let told = try processes.send(signal, to: processes.find())
        try processes.report(signal == .kill ? "killed" : "sent \(signal.words) to", told)
    }
}

/// `paceline chaos proc stop`.
struct ChaosProcStopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop processes until they are continued (SIGSTOP)."
    )

    @OptionGroup var processes: ProcessOptions

    func run() throws {
        try processes.report("stopped", processes.send(.stop, to: processes.find()))
    }
}

/// `paceline chaos proc cont`.
struct ChaosProcContinueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cont",
        abstract: "Continue stopped processes (SIGCONT)."
    )

    @OptionGroup var processes: ProcessOptions

    func run() throws {
        try processes.report("continued", processes.send(.resume, to: processes.find()))
    }
}

/// `paceline chaos proc pause-for`.
struct ChaosProcPauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause-for",
        abstract: "Stop processes for a while, then continue them, also if this program is interrupted."
    )

    @Argument(help: ArgumentHelp("How long, such as 2s.", valueName: "duration"))
    var time: DurationArgument

    @OptionGroup var processes: ProcessOptions

    func run() async throws {
        try await Termination.run(isService: false) {
            let entries = try processes.find()
            var told: [ProcessEntry] = []
            // Nobody else would continue them.
            defer { ProcessControl.resume(told) }
            for entry in entries {
                told += try ProcessControl.send(.stop, to: entry, withDescendants: processes.tree)
            }
            try await Task.sleep(for: time.duration)
            ProcessControl.resume(told)
            try processes.report("paused for \(time)", told)
        }
    }
}
