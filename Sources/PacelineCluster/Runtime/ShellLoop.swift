import NIOCore
import NIOPosix
import Synchronization

/// An event loop with one shell on it. The shell is made once everything it needs exists.
///
/// The shell never leaves the loop. Tasks and compute threads reach it through here until ``end()``. Later calls do
/// nothing: a client may drop a request, or a compute thread finish a job, when the loop is long gone.
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

    /// Has the shell do something soon, if it exists by then.
    ///
    /// - Returns: false if the loop has ended; then nothing is done.
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
