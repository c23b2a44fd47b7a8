import Logging
import Synchronization

/// A log that a test reads.
final class CapturedLog: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String {
        lines.withLock { $0.joined(separator: "\n") }
    }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(log: self) }
    }

    /// Whether `part` comes into the log within half a minute.
    ///
    /// What one side logs may come after what the other side sees, by as long as the machine has other things to do.
    func comesToContain(_ part: String) async -> Bool {
        for _ in 0..<3000 where !text.contains(part) {
            try? await Task.sleep(for: .milliseconds(10))
        }
        return text.contains(part)
    }

    fileprivate func append(_ line: String) {
        lines.withLock { $0.append(line) }
    }

    private struct Handler: LogHandler {
        let log: CapturedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.append("\(event.level) \(event.message)")
        }
    }
}
