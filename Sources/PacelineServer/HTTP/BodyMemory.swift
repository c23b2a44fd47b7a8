import Synchronization

/// The memory that the bodies of all requests share.
final class BodyMemory: Sendable {
    private let free: Mutex<Int>

    /// - Parameter bytes: what all may take together.
    init(bytes: Int) {
        free = Mutex(bytes)
    }

    /// Takes `bytes` of it.
    ///
    /// - Throws: ``GatewayError`` (503) if there is not so much left.
    func take(_ bytes: Int) throws(GatewayError) {
        let isTaken = free.withLock { free in
            guard bytes <= free else { return false }
            free -= bytes
            return true
        }
        guard isTaken else {
            throw .unavailable("too many long requests are being answered; try again in a moment", retryAfter: 1)
        }
    }

    func giveBack(_ bytes: Int) {
        free.withLock { $0 += bytes }
    }
}
