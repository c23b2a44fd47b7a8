import Dispatch
import Glibc
import Synchronization

/// The child processes of one command, which end together.
final class ChildFamily: Sendable {
    /// This program, even if its file has been replaced since it started.
    private static let executable = "/proc/self/exe"

    /// How long all children together may take to end on their own.
    private static let grace = DispatchTimeInterval.milliseconds(700)

    private let children = Mutex<[ChildProcess]>([])

    /// Starts this program with other arguments, as a child that announces itself and ends with its parent.
    func start(_ arguments: [String]) throws(ChildProcessError) -> ChildProcess {
        let child = try ChildProcess.start(Self.executable, arguments + ["--announce", "--exit-with-parent"])
        children.withLock { $0.append(child) }
        return child
    }

    /// Ends all children and waits for them. The first, the verifier, ends last because the others depend on it.
    func end() async {
        let children = children.withLock { $0 }
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.grace) {
            for child in children { child.send(SIGKILL) }
        }
        await withDiscardingTaskGroup { group in
            for child in children.dropFirst() { group.addTask { await child.end() } }
        }
        await children.first?.end()
    }
}
