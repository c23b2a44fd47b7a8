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

    /// Whether `part` is in the log within five seconds: what one side logs may come after what the other side sees.
    func comesToContain(_ part: String) async -> Bool {
        for _ in 0..<500 where !text.contains(part) {
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
