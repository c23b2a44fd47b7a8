import ArgumentParser
import Glibc
import PacelineChaos

/// `paceline chaos guard`: started by `chaos nemesis`, which tells it on standard input what it has started and
/// stopped. When the input ends, the nemesis has ended, and what it left behind is done away with.
struct ChaosGuardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guard",
        abstract: "Clean up after a nemesis that was killed.",
        shouldDisplay: false
    )

    func run() throws {
        // It has to outlive what ends the nemesis.
        for signal in [SIGINT, SIGTERM, SIGHUP] { Glibc.signal(signal, SIG_IGN) }
        var processes = GuardedProcesses()
        while let line = readLine() { processes.take(line) }
        processes.leaveNothing()
    }
}
