import PacelineCluster
import Testing

@testable import PacelineChaos

@Suite("A schedule of faults")
struct ScheduleReadingTests {
    @Test("is there for ten clusters of other people")
    func examples() {
        #expect(ScheduleText.exampleNames.count >= 10)
    }

    @Test("of every example can be read and has a timetable", arguments: ScheduleText.exampleNames)
    func example(name: String) throws {
        let schedule = try ScheduleText.example(name)
        let table = try Timetable(schedule, seed: 7, path: name)
        #expect(!schedule.links.isEmpty && !schedule.processes.isEmpty && !table.strikes.isEmpty)
        let listens = schedule.links.map(\.listen)
        #expect(Set(listens).count == listens.count, "two links listen on one address")
        // Whatever can be struck is struck by something.
        let targets = Set(schedule.faults.flatMap(\.choices).flatMap(\.targets))
        #expect(schedule.links.allSatisfy { targets.contains($0.name) })
    }

    @Test("says everything that its text says")
    func meaning() throws {
        let schedule = try NemesisSchedule(
            """
            name: everything
            seed: 18446744073709551615
            length: 1.5m
            ready: 0
            recovery: 250ms
            processes:
              one: {run: [sleep, "5"], directory: /tmp, environment: {A: b}, output: log, descendants: false}
              two: {pid-file: /run/x.pid, restart: start x}
            links:
              l: {listen: "[::1]:0", upstream: "db.local:5432"}
            checks:
              h: {http: "https://x/", status: 200..399, contains: ok, every: 50ms, timeout: 2s, clients: 3}
              t: {tcp: "127.0.0.1:1", send: "a\\0b"}
            faults:
              - {kill: one, signal: TERM, at: [1s, 2s..3s], for: 4s..5s}
              - {partition: [l], direction: downstream, every: 1s, from: 2s, times: 3}
            """,
            path: "s.yaml"
        )
        var command = ScheduledCommand(arguments: ["sleep", "5"])
        (command.directory, command.environment, command.output) = ("/tmp", ["A": "b"], "log")
        #expect(schedule.name == "everything" && schedule.seed == .max && schedule.length == .seconds(90))
        #expect(schedule.ready == .zero && schedule.recovery == .milliseconds(250))
        #expect(schedule.processes[0].source == .started(command) && !schedule.processes[0].includesDescendants)
        #expect(schedule.processes[1].source == .found(.pidFile("/run/x.pid")))
        #expect(schedule.processes[1].restart?.arguments == ["/bin/sh", "-c", "start x"])
        #expect(schedule.links[0].listen == Endpoint(host: "::1", port: 0))
        #expect(schedule.checks[0].probe == .http(url: "https://x/", statuses: 200...399))
        #expect(schedule.checks[0].clients == 3 && schedule.checks[0].every == .milliseconds(50))
        #expect(schedule.checks[1].probe == .tcp(Endpoint(host: "127.0.0.1", port: 1), send: "a\0b"))
        #expect(schedule.checks[1].every == .seconds(1) && schedule.checks[1].timeout == .seconds(1))
        let (kill, cut) = (schedule.faults[0], schedule.faults[1])
        #expect(kill.choices[0].kind == .kill(.terminate))
        #expect(kill.times == .at([DurationChoice(.seconds(1)), DurationChoice(.seconds(2) ... .seconds(3))]))
        #expect(kill.choices[0].lasting == DurationChoice(.seconds(4) ... .seconds(5)))
        #expect(cut.choices[0].kind == .partition([.downstream]) && cut.choices[0].lasting == nil)
        #expect(cut.times == .every(DurationChoice(.seconds(1)), from: DurationChoice(.seconds(2)), times: 3))
    }

    /// A fault that is wrong, where in the line, and what is said of it.
    private static let faulty: [(String, Int, String)] = [
        ("{partion: a, at: 1s}", 5, "there is no fault \"partion\"; did you mean \"partition\"?"),
        ("{partition: e, at: 1s}", 5, "there is no link \"e\"; did you mean"),
        ("{kill: wed, at: 1s}", 5, "there is no process \"wed\"; did you mean \"web\"?"),
        ("{kill: a, at: 1s}", 5, "there is no process \"a\""),
        ("{partition: a, at: 1}", 24, "at must be a time, such as 2s, or a range of times, such as 1s..3s, not \"1\""),
        ("{partition: a, at: 3s..1s}", 24, "at must be a time"),
        ("{partition: a, at: 61s}", 5, "the fault comes at 61s, and the schedule's length is 60s"),
        ("{partition: a, at: [1s, 5s..100s]}", 5, "the fault may come at 100s, and the schedule's length is 60s"),
        ("{partition: a, every: 1s, from: 59s..60s}", 5, "the fault may come at 60s"),
        ("{partition: a, every: 40s..70s}", 5, "the fault may come at 70s"),
        ("{partition: a}", 5, "the fault needs at or every, such as at: 5s or every: 10s..20s"),
        ("{partition: a, at: 1s, every: 2s}", 24, "at and every exclude each other"),
        ("{partition: a, at: 1s, times: 2}", 35, "times is for every, and there is none"),
        ("{partition: a, at: 1s, fro: 2s}", 28, "has no \"fro\"; did you mean \"for\"?"),
        ("{partition: a, at: 1s, direction: up}", 39, "direction must be both, upstream"),
        ("{partition: [a, a], at: 1s}", 21, "\"a\" is named twice"),
        ("{partition: [], at: 1s}", 17, "partition has no entry"),
        ("{partition: [a, b], pick: 3, at: 1s}", 31, "pick must be a whole number from 1 to 2, not \"3\""),
        ("{flap: a, at: 1s}", 5, "flap needs for"),
        ("{flap: a, down: 0, for: 1s, at: 1s}", 21, "down must be a time from 1ms to 168h"),
        ("{swizzle: [a, b], at: 1s}", 5, "swizzle needs for"),
        ("{kill: web, signal: STOP, at: 1s}", 25, "signal must be one of KILL, TERM,"),
        ("{toxic: a, type: latancy, at: 1s}", 22, "there is no toxic \"latancy\"; did you mean latency?"),
        ("{toxic: a, type: latency, attributes: {delay: 1}, at: 1s}", 51, "latency has no \"delay\""),
        ("{toxic: a, type: latency, attributes: {latency: -1}, at: 1s}", 53, "latency must be a whole number from 0"),
        ("{toxic: a, type: timeout, toxicity: 2, at: 1s}", 41, "toxicity must be a number from 0 to 1, not \"2\""),
        ("{heal: a, at: 1s}", 12, "heal ends every fault; write heal: all, not a"),
        ("{any: [], at: 1s}", 5, "any has no entry"),
        ("{any: [{partition: a, at: 1s}], at: 1s}", 27, "has no \"at\""),
        ("{kill: web, pause: web, at: 1s}", 5, "not kill and pause"),
        ("{partition: a, every: 1ms, for: 1s}", 5, "there may be more than 100000 faults; raise"),
        ("{kill: web, every: 1ms..1h, from: 0, for: 1s}", 5, "there may be more than 100000 faults"),
        ("word", 5, "a fault is one of"),
        ("{partition: a, at: 1s", 1, "it is not valid YAML:"),
    ]

    @Test("that is wrong is told in one sentence with line and column", arguments: 0..<faulty.count)
    func faults(index: Int) throws {
        let (fault, column, reason) = Self.faulty[index]
        let isLong = reason.contains("100000")
        let text = ScheduleText.text([fault], length: isLong ? "1h" : "60s")
        let error = #expect(throws: ScheduleError.self) { try NemesisSchedule(text, path: "s.yaml") }
        // What is not closed is missed at the end.
        let line = reason.hasPrefix("it is not valid") ? 16 : 15
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
        #expect(error?.line == line && error?.column == column, "\(error.map { "\($0)" } ?? "")")
        #expect(error.map { "\($0)" }?.contains("\n") == false)
    }

    @Test(
        "that lacks something, or has something else, is refused with the place",
        arguments: [
            ("", 1, 1, "it is empty"),
            ("- a", 1, 1, "the schedule must be a mapping"),
            ("length: 5s\nlength: 6s", 1, 1, "the mapping has \"length\" more than once"),
            ("lenght: 5s", 1, 1, "did you mean \"length\"?"),
            ("name: x", 1, 1, "the schedule needs length"),
            ("length: [5s]", 1, 9, "length must be text, not a list"),
            ("length: 5s\nfaults: []", 1, 1, "there must be a check"),
            ("length: 5s\nchecks: {c: {tcp: \"x\"}}", 2, 19, "tcp must be HOST:PORT"),
            ("length: 5s\nchecks: {c: {every: 1s}}", 2, 13, "c needs one of http, tcp, command, not 0"),
            ("length: 5s\nchecks: {c: {http: ftp://x}}", 2, 20, "http must be a URL"),
            ("length: 5s\nchecks: {c: {tcp: \"h:1\", status: 200}}", 2, 34, "status is for http"),
            ("length: 5s\nchecks: {c: {http: \"http://h\", status: 99}}", 2, 40, "status must be a status"),
            ("length: 5s\nchecks: {c: {http: \"http://h\", status: 200..3xx}}", 2, 40, "status must be a status"),
            ("length: 5s\nchecks: {c: {http: \"http://h\", status: 200.399}}", 2, 40, "status must be a status"),
            ("length: 5s\nprocesses: {p: {run: x, port: 1}}", 2, 16, "p needs one of run, pid-file"),
            ("length: 5s\nprocesses: {p: {run: x, restart: y}}", 2, 34, "leave restart out"),
            ("length: 5s\nprocesses: {p: {port: 1, output: y}}", 2, 34, "output is for run and restart"),
            ("length: 5s\nprocesses: {p: {pid: 1}}", 2, 22, "pid must be a whole number from 2"),
            ("length: 5s\nlinks: {l: {listen: \"h:1\", upstream: \"h:0\"}}", 2, 38, "upstream must be HOST:PORT"),
            ("length: 5s\nlinks: {l: {listen: \"h:1\"}}", 2, 12, "l needs upstream"),
            (
                "length: 5s\nlinks:\n l: {listen: h:1, upstream: h:2}\n m: {listen: h:1, upstream: h:3}",
                4, 5, "another link listens on h:1, too; give m a port of its own"
            ),
            ("length: \"5s", 1, 12, "it is not valid YAML"),
        ]
    )
    func documents(text: String, line: Int, column: Int, reason: String) throws {
        let error = #expect(throws: ScheduleError.self) { try NemesisSchedule(text, path: "s.yaml") }
        #expect(error?.reason.contains(reason) == true, "\(error?.reason ?? "")")
        #expect(error?.line == line && error?.column == column, "\(error.map { "\($0)" } ?? "")")
    }

    @Test("is as valid with one seed as with another", arguments: 1...100 as ClosedRange<UInt64>)
    func seeds(seed: UInt64) throws {
        let faults = ["{pause: web, at: 1s..59s, for: 1s}", "{kill: web, every: 1s..59s, from: 0..59s}"]
        let schedule = try ScheduleText.schedule(faults)
        #expect(try Timetable(schedule, seed: seed, path: "s.yaml").strikes.count >= 2)
    }

    @Test("takes signals as people write them", arguments: ["TERM", "SIGTERM", "term", "sigterm"])
    func signals(name: String) throws {
        let schedule = try ScheduleText.schedule(["{kill: web, signal: \(name), at: 1s}"])
        #expect(schedule.faults[0].choices[0].kind == .kill(.terminate))
        #expect(ProcessSignal(named: "SIG") == nil && ProcessSignal(named: "TERMS") == nil)
    }

    @Test("that is nested without end, or too large, is refused")
    func extremes() {
        for text in [String(repeating: "[", count: 100_000), String(repeating: "- ", count: 100_000)] {
            #expect(throws: ScheduleError.self) { try NemesisSchedule(text, path: "s.yaml") }
        }
        let large = "#" + String(repeating: "x", count: NemesisSchedule.sizeLimit)
        #expect(throws: ScheduleError.self) { try NemesisSchedule(large, path: "s.yaml") }
    }

    @Test(
        "reads times with units, and refuses all others",
        arguments: [
            ("10ms", 0.01), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), ("0", 0), ("168h", 604_800),
            ("", nil), ("5", nil), ("250us", nil), ("-1s", nil), ("s", nil), ("1e3s", nil), ("169h", nil), ("1 s", nil),
            ("infs", nil),
        ] as [(String, Double?)]
    )
    func times(text: String, seconds: Double?) {
        #expect(ScheduleDuration.read(text).map { $0 / .seconds(1) } == seconds)
    }
}
