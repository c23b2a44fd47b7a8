import Glibc
import Logging
import ServiceLifecycle
import Synchronization

/// A value that is read from files, and read again after one of them has changed.
///
/// A service looks at the files, rather than whoever needs the value: BoringSSL keeps its errors per thread, and those
/// of a bad certificate would end the handshake that an event loop has begun.
final class ReloadedFiles<Value: Sendable>: Service {
    private struct State {
        var value: Value
        var stamps: [FileStamp?]
    }

    /// From one look at the files to the next.
    private let interval: Duration
    private let paths: [String]
    private let read: @Sendable () throws -> Value
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameters:
    ///   - paths: the files that `read` reads.
    ///   - logger: learns of changes, and of files that cannot be read any more; the last good value then stays.
    /// - Throws: what the first reading throws.
    init(
        _ paths: [String],
        interval: Duration = .seconds(1),
        logger: Logger,
        read: @escaping @Sendable () throws -> Value
    ) throws {
        self.interval = interval
        self.paths = paths
        self.read = read
        self.logger = logger
        // Before the files are read, so that a change in between is found later.
        let stamps = paths.map { FileStamp(of: $0) }
        state = Mutex(State(value: try read(), stamps: stamps))
    }

    /// The value of the files as they were a moment ago.
    var current: Value { state.withLock { $0.value } }

    /// Looks at the files until the server ends.
    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            // Cancellation ends the loop through its condition.
            while !Task.isCancelled {
                try? await Task.sleep(for: interval)
                if hasChanged() { reload() }
            }
        }
    }

    private func hasChanged() -> Bool {
        let stamps = paths.map { FileStamp(of: $0) }
        return state.withLock { state in
            defer { state.stamps = stamps }
            return stamps != state.stamps
        }
    }

    private func reload() {
        do {
            let value = try read()
            state.withLock { $0.value = value }
            logger.notice("\(paths.joined(separator: " or ")) has changed, and is in use as it is now")
        } catch {
            logger.error("\(error); what was read before stays in use")
        }
    }
}

/// What tells one state of a file from another without reading it.
private struct FileStamp: Equatable {
    let file: UInt64
    let size: Int
    let seconds: Int
    let nanoseconds: Int

    /// nil if there is no such file.
    init?(of path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        file = UInt64(status.st_ino)
        size = Int(status.st_size)
        (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
}
