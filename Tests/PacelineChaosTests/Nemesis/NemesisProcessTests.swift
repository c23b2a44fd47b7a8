import Foundation
import Glibc
import Logging
import PacelineCluster
import Testing

@testable import PacelineChaos

/// Schedules that strike processes, with files that tell what became of them.
@Suite("A nemesis among processes", .serialized)
final class NemesisProcessTests {
    private let folder: String
    /// Words that no other command line of the machine has.
    private let mark = "2000.\(getpid())\(UInt32.random(in: 1...UInt32.max))"
    private var spawned: [SpawnedProcess] = []

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "nemesis-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit {
        for process in spawned { process.kill() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func path(_ name: String) -> String { "\(folder)/\(name)" }

    private func lines(_ name: String) -> [String] {
        let text = try? String(contentsOfFile: path(name), encoding: .utf8)
        return text?.split(separator: "\n").map(String.init) ?? []
    }

    /// A process that is somebody else's for the nemesis.
    private func start(_ arguments: [String]) throws -> SpawnedProcess {
        let process = try SpawnedProcess.start(ScheduledCommand(arguments: arguments))
        spawned.append(process)
        return process
    }

    private func runner(_ parts: String, _ faults: String, length: String, check: String) throws -> NemesisRunner {
        let text = """
            length: \(length)
            ready: 60s
            recovery: 60s
            processes: \(parts)
            checks: {c: \(check)}
            faults: [\(faults)]
            """
        let machine = try NemesisMachine(NemesisSchedule(text, path: "s.yaml"), seed: 1, path: "s.yaml")
        return try NemesisRunner(
            machine,
            allowsRemoteClients: false,
            guardCommand: nil,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onProgress: { _ in }
        )
    }

    private func run(
        _ parts: String,
        _ faults: String,
        length: String = "1s",
        check: String = "{command: [\"true\"], every: 50ms, timeout: 30s}"
    ) async throws -> NemesisReport {
        try await runner(parts, faults, length: length, check: check).run()
    }

    // MARK: Kills

    @Test("kills with the signal that it is told, and starts another one", arguments: ["KILL", "TERM"])
    func restart(signal: String) async throws {
        let script = "echo $$ >> all; echo $$ > now; trap 'echo told >> all; exit' TERM; while :; do sleep 0.1; done"
        let report = try await run(
            "{p: {run: \"\(script)\", directory: \(folder)}}",
            "{kill: p, signal: \(signal), at: 0, for: 1500ms}",
            length: "4s",
            // Only one that has begun and not ended has a command line.
            check: "{command: grep -q told /proc/$(cat now)/cmdline, directory: \(folder), every: 50ms, timeout: 30s}"
        )
        #expect(report.isSuccess && report.ended.isEmpty, "\(report.sentenceForTests)")
        let lines = lines("all")
        let pids = lines.filter { Int32($0) != nil }
        #expect(Set(pids).count == 2)
        // SIGKILL cannot be heard; the last one is told at the end.
        #expect(lines == (signal == "KILL" ? pids + ["told"] : [pids[0], "told", pids[1], "told"]))
    }

    @Test("lets a paused process go on when it tells it to end", arguments: ["TERM", "INT", "HUP", "KILL"])
    func pausedAndTold(signal: String) async throws {
        let other = try start(["sleep", mark])
        let report = try await run(
            "{p: {pid: \(other.pid)}}",
            "{pause: p, at: 0, for: 900ms}, {kill: p, signal: \(signal), at: 200ms, for: 100ms}"
        )
        #expect(report.isSuccess, "\(report.sentenceForTests)")
        try await eventually("the process is still there") { other.ending != nil }
        #expect(other.ending == .signal(ProcessSignal(rawValue: signal)?.number ?? 0))
        #expect(report.missing == ["p"])
    }

    @Test("kills a process that a supervisor starts again as often as the schedule says")
    func supervised() async throws {
        let script = "while :; do sleep \(mark) & echo $! >> all; echo $! > new; mv new pid; wait; done"
        _ = try start(["sh", "-c", "cd \(folder); \(script)"])
        try await eventually("the service does not begin") { FileManager.default.fileExists(atPath: self.path("pid")) }
        // How soon the supervisor is back depends on the machine.
        let report = try await run(
            "{p: {pid-file: \(path("pid"))}}",
            "{kill: p, every: 500ms, from: 0, times: 8}",
            length: "5s"
        )
        #expect(report.verdict == "recovered" && report.faults.count == 8)
        #expect(report.faults.allSatisfy { $0.remark == nil })
        #expect(Set(lines("all")).count >= 3, "\(report.sentenceForTests)")
    }

    @Test("starts a found process again by its command")
    func restartByCommand() async throws {
        let other = try start(["sleep", mark])
        let report = try await run(
            "{p: {match: \"sleep \(mark)\", restart: \"sleep \(mark) & echo $! > new\", directory: \(folder)}}",
            "{kill: p, at: 0, for: 100ms}"
        )
        #expect(report.isSuccess && report.missing.isEmpty, "\(report.sentenceForTests)")
        #expect(other.ending == .signal(SIGKILL))
        try await eventually("nothing was started") { self.lines("new").count == 1 }
        let pid = try #require(lines("new").first.flatMap { Int32($0) })
        let entry = try #require(ProcessTable.entry(pid))
        #expect(entry.pid != other.pid && entry.arguments == ["sleep", mark])
        try ProcessControl.send(.kill, to: entry, withDescendants: false)
    }

    @Test("starts no second process beside one that was not killed")
    func failedKill() async throws {
        let both = [try start(["sleep", mark]), try start(["sleep", mark])]
        let report = try await run(
            "{p: {match: \"sleep \(mark)\", restart: echo > \(path("new"))}}",
            "{kill: p, at: 0, for: 100ms}"
        )
        #expect(report.faults[0].failure?.contains("is not one") == true)
        #expect(lines("new").isEmpty && !FileManager.default.fileExists(atPath: path("new")))
        #expect(both.allSatisfy { $0.ending == nil })
    }

    @Test("starts no second process beside one that does not obey")
    func deafProcess() async throws {
        let deaf = try start(["sh", "-c", "trap '' TERM; echo > \(path("ready")); while :; do sleep 0.1; done"])
        try await eventually("the process does not begin") {
            FileManager.default.fileExists(atPath: self.path("ready"))
        }
        let report = try await run(
            "{p: {pid: \(deaf.pid), restart: echo > \(path("new"))}}",
            "{kill: p, signal: TERM, at: 0, for: 100ms}"
        )
        #expect(report.verdict == "recovered" && !report.isSuccess)
        #expect(report.faults[0].failure == nil)
        #expect(report.faults[0].healFailure?.contains("process \(deaf.pid) is still there") == true)
        #expect(deaf.ending == nil && !FileManager.default.fileExists(atPath: path("new")))
    }

    @Test("starts again what was gone before it could be killed")
    func goneBefore() async throws {
        let report = try await run(
            "{p: {match: \"sleep \(mark)\", restart: echo > \(path("new"))}}",
            "{kill: p, at: 0, for: 100ms}"
        )
        #expect(report.faults[0].failure?.contains("is not there") == true)
        try await eventually("nothing was started") { FileManager.default.fileExists(atPath: self.path("new")) }
    }

    @Test("strikes a process without its descendants if it is told to")
    func aloneWithoutDescendants() async throws {
        let parent = try start(["sh", "-c", "sleep \(mark) & echo $! > \(path("child")); wait"])
        try await eventually("the process does not begin") { self.lines("child").count == 1 }
        let child = try #require(lines("child").first.flatMap { Int32($0) })
        let report = try await run("{p: {pid: \(parent.pid), descendants: false}}", "{kill: p, at: 0}")
        #expect(report.isSuccess)
        #expect(parent.ending == .signal(SIGKILL) && ProcessTable.entry(child)?.hasEnded == false)
    }

    // MARK: What is not struck

    @Test("does not strike the commands of its checks, whether the service is there or not", arguments: [true, false])
    func ownChecks(isThere: Bool) async throws {
        if isThere { _ = try start(["sleep", mark]) }
        let report = try await run(
            "{p: {match: \"sleep \(mark)\"}}",
            "{pause: p, at: [0, 200ms, 400ms, 600ms], for: 100ms}",
            check: "{command: \"sleep 0.1; true; # sleep \(mark)\", every: 10ms, timeout: 30s, clients: 3}"
        )
        #expect(report.verdict == "recovered" && report.checks[0].failed == 0)
        for fault in report.faults {
            if isThere {
                #expect(fault.failure == nil)
            } else {
                #expect(fault.failure?.contains("is not there") == true, "\(fault.failure ?? "it was made")")
            }
        }
    }

    @Test("does not strike guards")
    func guards() async throws {
        try "sleep 1000; true".write(toFile: path("chaos"), atomically: true, encoding: .utf8)
        let disguised = try start(["sh", "-c", "cd \(folder); exec sh chaos guard"])
        try await eventually("the process does not begin") {
            ProcessTable.entry(disguised.pid)?.arguments == ["sh", "chaos", "guard"]
        }
        let selector = ProcessSelector.match("sh chaos guard")
        #expect(throws: ProcessError.notFound(selector)) { try selector.find() }
    }

    @Test("takes a command that restarts something only if there is nothing else")
    func launchers() async throws {
        let launcher = try start(["sh", "-c", "sleep 1000; true; # \(mark)"])
        var helpers = HelperCommands()
        helpers.launchers = [launcher.pid]
        let selector = ProcessSelector.match("# \(mark)")
        #expect(try selector.findOne(besides: helpers).pid == launcher.pid)
        let service = try start(["sh", "-c", "sleep 1001; true; # \(mark)"])
        #expect(try selector.findOne(besides: helpers).pid == service.pid)
    }

    // MARK: The end

    @Test("tells what it could not start again when it is interrupted")
    func failedRestart() async throws {
        let others = [try start(["sleep", mark]), try start(["sleep", "\(mark)9"])]
        let runner = try runner(
            "{p: {pid: \(others[0].pid), restart: [/nobody/x]}, q: {pid: \(others[1].pid)}}",
            "{kill: [p, q], at: 0}",
            length: "1h",
            check: "{command: [\"true\"], every: 50ms, timeout: 30s}"
        )
        let run = Task { try await runner.run() }
        try await eventually("the processes are not killed") { others.allSatisfy { $0.ending != nil } }
        run.cancel()
        let report = try await run.value
        #expect(report.verdict == "interrupted" && report.missing == ["q"])
        #expect(report.faults[0].healFailure?.contains("p is not started again: /nobody/x cannot be started") == true)
    }
}

extension NemesisReport {
    /// For a test that fails.
    fileprivate var sentenceForTests: String {
        "\(verdict) \(unhealthy) "
            + faults.map { "\($0.failure ?? "") \($0.healFailure ?? "")" }.joined(separator: "; ")
            + ended.map { "\($0.process) \($0.ending)" }.joined() + checks.map { $0.latestFailure ?? "" }.joined()
    }
}
