import Synchronization

/// Bounds how many watch at once, since each of them costs the server a little all the time.
final class ViewerCount: Sendable {
    static let limit = 16

    private let count = Mutex(0)

    /// Counts one viewer for as long as anybody holds it.
    final class Viewer: Sendable {
        private let viewers: ViewerCount

        fileprivate init(of viewers: ViewerCount) {
            self.viewers = viewers
        }

        deinit {
            viewers.count.withLock { $0 -= 1 }
        }
    }

    /// - Throws: ``APIError`` (503) if as many watch as may.
    func enter() throws(APIError) -> Viewer {
        let isFull = count.withLock { count in
            guard count < Self.limit else { return true }
            count += 1
            return false
        }
        guard !isFull else {
            throw .unavailable("\(Self.limit) viewers watch already; close one of them, or try again", retryAfter: 5)
        }
        return Viewer(of: self)
    }
}
