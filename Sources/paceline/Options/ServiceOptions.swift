import ArgumentParser

/// How a long-running process works with the program that started it.
struct ServiceOptions: ParsableArguments {
    @Flag(
        name: [.customLong("json"), .customLong("announce")],
        help: """
            Report to standard output as one JSON object per line: {"event":"progress"}, "ready" (with the bound \
            addresses) or "failed".
            """
    )
    var announce = false

    @Flag(
        name: .customLong("exit-with-parent"),
        help: "Exit when standard input closes, as it does when the parent dies."
    )
    var exitWithParent = false

    /// Runs a service until it ends, a signal comes or the parent dies.
    ///
    /// With `--announce`, a failure is reported on standard output instead of standard error.
    func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        do {
            try await Termination.run(isService: true, endsWithStandardInput: exitWithParent, body)
        } catch let error as ExitCode {
            throw error
        } catch  where announce {
            try StandardOutput.json(Announcement.failed("\(error)"))
            throw ExitCode.failure
        }
    }

    /// Writes an announcement for the parent, if `--announce` asks for it.
    func tell(_ announcement: Announcement) throws {
        if announce { try StandardOutput.json(announcement) }
    }
}
