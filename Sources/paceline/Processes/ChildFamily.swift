import Synchronization

/// The child processes of one command, which end together.
final class ChildFamily: Sendable {
    /// This program, even if its file was replaced since it started.
    private static let executable = "/proc/self/exe"

    private let children = Mutex<[ChildProcess]>([])

    /// Starts this program with other arguments, as a child that announces itself and ends with its parent.
    func start(_ arguments: [String]) throws(ChildProcessError) -> ChildProcess {
        let child = try ChildProcess.start(Self.executable, arguments + ["--announce", "--exit-with-parent"])
        children.withLock { $0.append(child) }
        return child
    }

    /// Ends all, all at once, and returns when none is left.
    func end() async {
        await withDiscardingTaskGroup { group in
            for child in children.withLock({ $0 }) {
                group.addTask { await child.end() }
            }
        }
    }
}
