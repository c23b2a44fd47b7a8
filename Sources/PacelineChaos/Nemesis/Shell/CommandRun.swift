import Glibc

/// A command that is run to its end, or for a limited time.
enum CommandRun {
    struct Outcome: Sendable {
        /// nil if it had to be ended by force.
        var ending: ProcessEnding?
        /// The first of what it wrote.
        var output: [UInt8]
    }

    private static let outputLimit = 1 << 16
    /// How often it is looked whether the command has ended, if it does not close its output.
    private static let pause: Int32 = 20

    /// Runs a command. Cancellation ends it by force, as does the end of its time.
    ///
    /// - Throws: ``ProcessError``.
    static func run(
        _ command: ScheduledCommand,
        timeout: Duration,
        _ commands: CheckCommands
    ) async throws(ProcessError) -> Outcome {
        try await BlockingWork.run { cancellation throws(ProcessError) in
            let pipe = try SpawnedProcess.pipe()
            defer { _ = close(pipe.reading) }
            let process: SpawnedProcess
            do throws(ProcessError) {
                process = try commands.start(command, output: pipe.writing)
            } catch {
                _ = close(pipe.writing)
                throw error
            }
            _ = close(pipe.writing)
            defer { commands.ended(process) }
            let deadline = ContinuousClock.now + timeout
            return follow(process, pipe.reading) { ContinuousClock.now < deadline && !cancellation.isSet }
        }
    }

    private static func follow(_ process: SpawnedProcess, _ descriptor: Int32, while mayRun: () -> Bool) -> Outcome {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var output: [UInt8] = []
        var isOpen = true
        while process.ending == nil, mayRun() {
            if isOpen {
                var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                _ = poll(&request, 1, pause)
                isOpen = read(descriptor, &output)
            } else {
                usleep(500)
            }
        }
        let ending = process.ending
        // What it has left running goes, too.
        process.kill()
        if isOpen { _ = read(descriptor, &output) }
        return Outcome(ending: ending, output: output)
    }

    /// Takes what is there.
    ///
    /// - Returns: whether more may come.
    private static func read(_ descriptor: Int32, _ output: inout [UInt8]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 && errno == EAGAIN }
            output += chunk[..<count].prefix(max(0, outputLimit - output.count))
        }
    }
}
