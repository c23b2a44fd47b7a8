import ArgumentParser
import Logging
import PacelineChaos

/// `paceline chaos nemesis`: a schedule of faults for a cluster.
struct ChaosNemesisCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nemesis",
        abstract: "Strike a cluster with a schedule of faults, and see whether it recovers.",
        discussion: """
            A schedule in YAML names the processes of a service, the links between them, how to see whether it works, \
            and what happens when:

              length: 30s
              processes:
                web: {run: python3 -m http.server 8001 --bind 127.0.0.1}
              links:
                front: {listen: 127.0.0.1:8000, upstream: 127.0.0.1:8001}
              checks:
                page: {http: "http://127.0.0.1:8000/", every: 200ms}
              faults:
                - {partition: front, every: 5s..10s, for: 1s..2s}
                - {kill: web, at: 20s, for: 2s}

            Links are proxies of the nemesis: let clients connect to listen instead of upstream. Faults: partition \
            (one way too), down, flap, swizzle, toxic on links; kill and pause on processes; heal ends all. When the \
            length is over, everything heals, and every check has to succeed again within recovery; otherwise the exit \
            status is 1. The same seed gives the same timetable; --dry-run prints it. The language and ten examples \
            for other people's clusters: Protocols/NEMESIS.md and Deploy/chaos.
            """
    )

    @Argument(help: ArgumentHelp("The schedule.", valueName: "schedule.yaml"))
    var file: String

    @Option(help: ArgumentHelp("Seed of all random choices (default: the schedule's, or 1).", valueName: "number"))
    var seed: UInt64?

    @Flag(help: "Print what would happen when, and touch nothing.")
    var dryRun = false

    @Option(help: ArgumentHelp("Draw throughput over time with the faults in it.", valueName: "file"))
    var svg: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(help: "Let links listen where other machines can reach them, and through them their upstreams.")
    var allowRemote = false

    @OptionGroup var log: LogOptions

    func run() async throws {
        log.bootstrap(.info)
        let schedule = try NemesisSchedule(PromptFile.text(at: file), path: file)
        let machine = try NemesisMachine(schedule, seed: seed ?? schedule.seed, path: file)
        guard !dryRun else {
            let timetable = TimetableReport(machine)
            return try json ? StandardOutput.json(timetable) : StandardOutput.write(timetable.text)
        }
        // A run of hours must not end without its picture.
        if let svg { try OutputFile.check("the picture", at: svg) }
        try await Termination.run(isService: false) { try await strike(machine) }
    }

    private func strike(_ machine: NemesisMachine) async throws {
        DescriptorLimit.raise()
        let line = ProgressLine("striking")
        let runner = try NemesisRunner(
            machine,
            allowsRemoteClients: allowRemote,
            guardCommand: ["/proc/self/exe", "chaos", "guard"],
            logger: Logger(label: "paceline.nemesis"),
            onProgress: { line.update($0) }
        )
        let report: NemesisReport
        do {
            report = try await runner.run()
        } catch {
            line.clear()
            throw error
        }
        line.clear()
        try json ? StandardOutput.json(report) : StandardOutput.write(report.text)
        if let svg { try OutputFile.write(NemesisPlot(report).svg, "the picture", to: svg) }
        guard !report.isSuccess else { return }
        StandardError.sentence(report.sentence)
        throw ExitCode.failure
    }
}
