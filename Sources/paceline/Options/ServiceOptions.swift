import ArgumentParser

/// How a long-running process lives with the program that started it.
struct ServiceOptions: ParsableArguments {
    @Flag(
        name: [.customLong("json"), .customLong("announce")],
        help: """
            Tell readiness and failure on standard output, one JSON object a line: {"event":"progress"}, "ready" (with \
            the bound addresses) or "failed".
            """
    )
    var announce = false

    @Flag(
        name: .customLong("exit-with-parent"),
        help: "End when standard input closes, as it does when the parent dies."
    )
    var exitWithParent = false

    /// Runs a service: until it ends by itself, a signal comes or the parent dies.
    ///
    /// With `--announce` a failure is told on standard output instead of standard error.
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

    /// Tells the parent, if it wants to know.
    func tell(_ announcement: Announcement) throws {
        if announce { try StandardOutput.json(announcement) }
    }
}
