import NIOCore
import NIOPosix

/// An event loop of its own with a shell on it, which is made when all that it needs is there.
///
/// The shell never leaves the loop; tasks and compute threads reach it through here until ``end()``.
final class ShellLoop<Shell>: Sendable {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let eventLoop: any EventLoop
    private let gate: LoopGate
    private let shell: NIOLoopBoundBox<Shell?>

    init() {
        eventLoop = group.next()
        gate = LoopGate(eventLoop)
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
    /// - Returns: false if the loop has ended.
    @discardableResult
    func post(_ body: @escaping @Sendable (Shell) -> Void) -> Bool {
        let shell = shell
        return gate.execute {
            if let shell = shell.value { body(shell) }
        }
    }

    func end() async throws {
        gate.close()
        try await group.shutdownGracefully()
    }
}
