import Dispatch
import Glibc
import Synchronization

/// The child processes of one command, which end together.
final class ChildFamily: Sendable {
    /// This program, even if its file was replaced since it started.
    private static let executable = "/proc/self/exe"

    /// How long the children may take to end by themselves, all together.
    private static let grace = DispatchTimeInterval.milliseconds(700)

    private let children = Mutex<[ChildProcess]>([])

    /// Starts this program with other arguments, as a child that announces itself and ends with its parent.
    func start(_ arguments: [String]) throws(ChildProcessError) -> ChildProcess {
        let child = try ChildProcess.start(Self.executable, arguments + ["--announce", "--exit-with-parent"])
        children.withLock { $0.append(child) }
        return child
    }

    /// Ends all and returns when none is left: the first one last, since the others live on it.
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
