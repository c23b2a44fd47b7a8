import NIOCore
import Synchronization

/// Lets other threads reach an event loop until its owner shuts down, and not after: a client may let go of a request,
/// or a compute thread end a step, when the loop is long gone.
final class LoopGate: Sendable {
    private let eventLoop: any EventLoop
    private let isOpen = Mutex(true)

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Runs `body` on the loop; false, and not at all, once the gate is closed.
    @discardableResult
    func execute(_ body: @escaping @Sendable () -> Void) -> Bool {
        isOpen.withLock { isOpen in
            if isOpen { eventLoop.execute(body) }
            return isOpen
        }
    }

    /// Lets nothing pass from now on.
    func close() {
        isOpen.withLock { $0 = false }
    }
}
