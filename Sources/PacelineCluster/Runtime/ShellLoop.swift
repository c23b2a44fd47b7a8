import NIOCore
import NIOPosix
import Synchronization

/// An event loop of its own with a shell on it, which is made when all that it needs is there.
///
/// The shell never leaves the loop; tasks and compute threads reach it through here until ``end()``, and not after: a
/// client may let go of a request, or a compute thread end a step, when the loop is long gone.
final class ShellLoop<Shell>: Sendable {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let eventLoop: any EventLoop
    private let shell: NIOLoopBoundBox<Shell?>
    private let isOpen = Mutex(true)

    init() {
        eventLoop = group.next()
        shell = NIOLoopBoundBox.makeEmptyBox(valueType: Shell.self, eventLoop: eventLoop)
    }

    /// Makes the shell, on its loop.
    func install(_ make: @escaping @Sendable (any EventLoop) -> Shell) async throws -> NIOLoopBound<Shell> {
        let (box, eventLoop) = (shell, eventLoop)
        return try await eventLoop.submit {
            let shell = make(eventLoop)
            box.value = shell
            return NIOLoopBound(shell, eventLoop: eventLoop)
        }.get()
    }

    /// Has the shell do something soon, if it is there by then.
    ///
    /// - Returns: false if the loop has ended, and nothing will be done.
    @discardableResult
    func post(_ body: @escaping @Sendable (Shell) -> Void) -> Bool {
        let (shell, eventLoop) = (shell, eventLoop)
        return isOpen.withLock { isOpen in
            guard isOpen else { return false }
            eventLoop.execute {
                if let shell = shell.value { body(shell) }
            }
            return true
        }
    }

    func end() async throws {
        isOpen.withLock { $0 = false }
        try await group.shutdownGracefully()
    }
}
