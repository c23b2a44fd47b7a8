import AsyncHTTPClient
import Glibc
import Logging
import NIOCore
import NIOPosix
import PacelineCluster
import Synchronization
import Testing

@testable import PacelineChaos

@Suite("A nemesis at work", .serialized)
struct NemesisRunnerTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a schedule whose link leads to a server in this process.
    private static func run(
        _ faults: String,
        more: String = "",
        timeout: String = "300ms",
        length: String = "3s",
        upstream: Upstream
    ) async throws -> NemesisReport {
        let port = try freePort()
        let text = """
            length: \(length)
            ready: 20s
            recovery: 20s
            \(more)
            links:
              front: {listen: "127.0.0.1:\(port)", upstream: "\(upstream.endpoint)"}
            checks:
              echo: {tcp: "127.0.0.1:\(port)", contains: hello, every: 20ms, timeout: \(timeout), clients: 2}
            faults:
              - \(faults)
            """
        let schedule = try NemesisSchedule(text, path: "s.yaml")
        let machine = try NemesisMachine(schedule, seed: 1, path: "s.yaml")
        return try await runner(machine).run()
    }

    private static func runner(_ machine: NemesisMachine) throws -> NemesisRunner {
        try NemesisRunner(machine, allowsRemoteClients: false, guardCommand: nil, logger: logger, onProgress: { _ in })
    }

    private static func freePort() throws -> Int { try RawListener().endpoint.port }

    private static func greeter() async throws -> Upstream {
        try await Upstream.start(greeting: Array("hello".utf8)) { $0 }
    }

    @Test(
        "cuts, and mends, and the service recovers",
        arguments: [
            "{partition: front, at: 300ms, for: 4s}",
            "{partition: front, direction: downstream, at: 300ms, for: 4s}",
            "{down: front, at: 300ms, for: 4s}", "{swizzle: front, at: 300ms, for: 4s}",
            "{toxic: front, type: timeout, at: 300ms, for: 4s}", "{flap: front, down: 400ms, at: 300ms, for: 4s}",
        ]
    )
    func links(fault: String) async throws {
        let upstream = try await Self.greeter()
        let report = try await Self.run(fault, length: "5s", upstream: upstream)
        try await upstream.stop()
        #expect(report.isSuccess, "\(report.verdict) \(report.unhealthy)")
        #expect(report.checks[0].failed > 0)
        #expect(report.faults.count == 1 && report.faults[0].recoveredAfterMS != nil)
        #expect(report.checks[0].longestGapMS >= 300)
    }

    @Test("harms nobody in the direction that it does not cut")
    func oneWay() async throws {
        let upstream = try await Self.greeter()
        // Clients say nothing, so that a cut of what they send is not seen.
        let report = try await Self.run(
            "{partition: front, direction: upstream, at: 300ms, for: 9s}",
            timeout: "20s",
            length: "10s",
            upstream: upstream
        )
        try await upstream.stop()
        #expect(report.isSuccess && report.checks[0].failed == 0)
        // An answer that had to wait would have waited for the end of the cut, which a busy machine does not come near.
        #expect(report.checks[0].longestAnswerMS < 7000)
    }

    @Test("takes down a link with the connections that are open on it")
    func openConnection() async throws {
        let (upstream, port) = (try RawListener(), try Self.freePort())
        let flag = "/tmp/paceline-nemesis-\(getpid())-\(port)"
        defer { unlink(flag) }
        let text = """
            length: 1s
            ready: 60s
            links: {front: {listen: "127.0.0.1:\(port)", upstream: "\(upstream.endpoint)"}}
            checks: {c: {command: "test -e \(flag)", every: 20ms, timeout: 30s}}
            faults: [{down: front, at: 0, for: 200ms}]
            """
        let machine = try NemesisMachine(NemesisSchedule(text, path: "s.yaml"), seed: 1, path: "s.yaml")
        let runner = try Self.runner(machine)
        async let report = runner.run()
        var client: PlainClient?
        try await eventually("the link does not listen") {
            client = try? PlainClient(Endpoint(host: "127.0.0.1", port: port))
            return client != nil
        }
        let server = try await upstream.accept()
        // Only now the service is healthy, and faults begin.
        _ = close(open(flag, O_WRONLY | O_CREAT, 0o600))
        let ends = await [client?.read(patience: .seconds(60)).end, server.read(patience: .seconds(60)).end]
        #expect(!ends.contains(.silence) && !ends.contains(nil))
        #expect(try await report.isSuccess)
        client?.close()
        server.close()
    }

    @Test("says what it could not strike, and of processes that end of themselves")
    func failures() async throws {
        let upstream = try await Self.greeter()
        let report = try await Self.run(
            "{pause: q, at: 200ms, for: 300ms}",
            more: "processes: {p: {run: exit 3}, q: {match: nobody-has-this-command-line}}",
            upstream: upstream
        )
        try await upstream.stop()
        #expect(report.verdict == "recovered" && !report.isSuccess)
        #expect(report.faults[0].failure?.contains("is not there") == true)
        #expect(report.ended.map(\.ending) == ["exit status 3"])
    }

    @Test("heals when it is cancelled: what is stopped goes on, what was started ends, and links close")
    func cancellation() async throws {
        let upstream = try await Self.greeter()
        let port = try Self.freePort()
        let mark = "1000.7\(getpid())"
        let other = try SpawnedProcess.start(ScheduledCommand(arguments: ["sleep", "1000"]))
        defer { other.kill() }
        let text = """
            length: 1h
            processes: {p: {run: [sleep, "\(mark)"]}, q: {pid: \(other.pid)}}
            links: {front: {listen: "127.0.0.1:\(port)", upstream: "\(upstream.endpoint)"}}
            checks: {echo: {tcp: "127.0.0.1:\(port)", contains: hello, every: 20ms}}
            faults: [{pause: [p, q], at: 0}, {partition: front, at: 0}]
            """
        let machine = try NemesisMachine(NemesisSchedule(text, path: "s.yaml"), seed: 1, path: "s.yaml")
        let runner = try Self.runner(machine)
        let run = Task { try await runner.run() }
        try await eventually("the processes are not stopped") {
            let mine = try? ProcessSelector.match("sleep \(mark)").findOne()
            return ProcessTable.entry(other.pid)?.isStopped == true && mine?.isStopped == true
        }
        let start = ContinuousClock.now
        run.cancel()
        #expect(try await run.value.verdict == "interrupted")
        #expect(ContinuousClock.now - start < .seconds(5))
        try await eventually("the process does not go on") { ProcessTable.entry(other.pid)?.isStopped == false }
        #expect(other.ending == nil)
        #expect(throws: ProcessError.self) { try ProcessSelector.match("sleep \(mark)").find() }
        #expect(throws: IOError.self) { try PlainClient(Endpoint(host: "127.0.0.1", port: port)) }
        try await upstream.stop()
    }

    @Test(
        "that cannot start leaves nothing",
        arguments: [
            "links: {front: {listen: \"127.0.0.1:PORT\", upstream: \"127.0.0.1:9\"}}",
            "links: {front: {listen: \"0.0.0.0:0\", upstream: \"127.0.0.1:9\"}}",
            "links: {}\nprocesses: {p: {run: [sleep, \"MARK\"]}, q: {run: [/nobody/x]}}",
        ]
    )
    func start(parts: String) async throws {
        let taken = try RawListener()
        let mark = "1000.9\(getpid())"
        let text = parts.replacing("PORT", with: "\(taken.endpoint.port)").replacing("MARK", with: mark)
        let schedule = try NemesisSchedule(
            "length: 1s\nchecks: {c: {tcp: \"127.0.0.1:9\"}}\nfaults: []\n" + text,
            path: "s.yaml"
        )
        let runner = try Self.runner(NemesisMachine(schedule, seed: 1, path: "s.yaml"))
        await #expect(throws: (any Error).self) { try await runner.run() }
        #expect(throws: ProcessError.self) { try ProcessSelector.match("sleep \(mark)").find() }
    }
}

@Suite("A check of a service", .serialized)
struct CheckProbeTests {
    private static func check(_ text: String) throws -> ServiceCheck {
        let schedule = "length: 1s\nchecks: {c: \(text)}\nfaults: []"
        return try NemesisSchedule(schedule, path: "s.yaml").checks[0]
    }

    @Test(
        "by command succeeds with status 0 and the wanted words, in time",
        arguments: [
            ("{command: \"exit 0\"}", nil), ("{command: \"exit 3\"}", "it ended with exit status 3"),
            ("{command: \"echo yes\", contains: yes}", nil),
            ("{command: [echo, no], contains: yes}", "does not contain \"yes\""),
            ("{command: sleep 100, timeout: 100ms}", "no answer within 100ms"),
            ("{command: [/nobody/x]}", "cannot be started"),
        ] as [(String, String?)]
    )
    func commands(text: String, failure: String?) async throws {
        let said = try await CheckRun.ask(Self.check(text))
        #expect(failure == nil ? said == nil : said?.contains(failure ?? "") == true, "\(said ?? "succeeded")")
    }

    @Test("by TCP sees who answers what")
    func tcp() async throws {
        let upstream = try await Upstream.start(greeting: Array("+PONG".utf8)) { $0 }
        let silent = try RawListener()
        // A busy machine answers late too.
        let text = "tcp: \"\(upstream.endpoint)\", timeout: 30s"
        #expect(try await CheckRun.ask(Self.check("{\(text)}")) == nil)
        // Often enough that the greeting and its end also come before anything is sent.
        for _ in 0..<200 {
            #expect(try await CheckRun.ask(Self.check("{\(text), send: PING, contains: PONG}")) == nil)
        }
        #expect(try await CheckRun.ask(Self.check("{\(text), contains: NO}"))?.contains("does not contain") == true)
        let late = try await CheckRun.ask(Self.check("{tcp: \"\(silent.endpoint)\", contains: x, timeout: 100ms}"))
        #expect(late == "no answer within 100ms")
        try await upstream.stop()
        let closed = try RawListener(refuses: true)
        let failure = try await CheckRun.ask(Self.check("{tcp: \"\(closed.endpoint)\", timeout: 30s}"))
        #expect(failure?.contains("nothing listens at \(closed.endpoint)") == true, "\(failure ?? "it succeeded")")
    }

    @Test("by HTTP has as many clients at once as it is told")
    func manyClients() async throws {
        let count = 32
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        // Nobody is answered before all have asked.
        let upstream = try await OneAnswer.start(answer, gathering: count)
        let check = try Self.check("{http: \"http://\(upstream.endpoint)/\", timeout: 60s}")
        let http = CheckProbe.client(on: MultiThreadedEventLoopGroup.singleton)
        let failures = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<count { group.addTask { await CheckRun.probe(check, http).ask() } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(failures == Array(repeating: nil, count: count))
        try await http.shutdown()
        try await upstream.stop()
    }

    @Test(
        "by HTTP tells in words what is wrong with an answer",
        arguments: [
            ("", "closes the connection before the end of its answer"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "closes the connection before the end of its answer"),
            ("What?\r\n\r\n", "answers with what is no HTTP"),
        ]
    )
    func badAnswers(answer: String, words: String) async throws {
        let upstream = try await OneAnswer.start(answer)
        let failure = try await CheckRun.ask(Self.check("{http: \"http://\(upstream.endpoint)/\", timeout: 60s}"))
        #expect(failure == nil ? false : failure?.contains(words) == true, "\(failure ?? "it succeeded")")
        try await upstream.stop()
    }

    @Test("by HTTP tells that an answer is late in the words of the other kinds")
    func late() async throws {
        let silent = try RawListener()
        let failure = try await CheckRun.ask(Self.check("{http: \"http://\(silent.endpoint)/\", timeout: 100ms}"))
        #expect(failure == "no answer within 100ms")
    }

    @Test("by HTTP takes answers of any length")
    func largeAnswer() async throws {
        let body = "text" + String(repeating: "x", count: 3 << 20)
        let head = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n"
        let upstream = try await OneAnswer.start(head + body)
        let text = "http: \"http://\(upstream.endpoint)/\", timeout: 30s"
        #expect(try await CheckRun.ask(Self.check("{\(text)}")) == nil)
        #expect(try await CheckRun.ask(Self.check("{\(text), contains: text}")) == nil)
        try await upstream.stop()
    }

    @Test("by HTTP sees status and text")
    func http() async throws {
        let answer = "HTTP/1.1 404 x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
        let upstream = try await OneAnswer.start(answer)
        let text = "http: \"http://\(upstream.endpoint)/\""
        #expect(try await CheckRun.ask(Self.check("{\(text)}")) == "it answers with status 404")
        #expect(try await CheckRun.ask(Self.check("{\(text), status: 404}")) == nil)
        #expect(try await CheckRun.ask(Self.check("{\(text), status: 200..404, contains: body}")) == nil)
        #expect(try await CheckRun.ask(Self.check("{\(text), status: 404, contains: no}"))?.isEmpty == false)
        try await upstream.stop()
        let closed = try RawListener(refuses: true)
        let failure = try await CheckRun.ask(Self.check("{http: \"http://\(closed.endpoint)/\"}"))
        #expect(failure == "nothing listens at http://\(closed.endpoint)/", "\(failure ?? "it succeeded")")
    }
}
