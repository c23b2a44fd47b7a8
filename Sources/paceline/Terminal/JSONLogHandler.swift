import Foundation
import Glibc
import Logging
import PacelineServer

/// Writes a log to standard error, one JSON object a line:
///
/// ```
/// {"label":"paceline.verifier","level":"info","message":"serving tiny","time":"2026-11-30T07:20:41.013Z"}
/// ```
///
/// An object with the log's metadata follows as `metadata` if there is any.
struct JSONLogHandler: LogHandler {
    let label: String
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    init(label: String, level: Logger.Level) {
        (self.label, logLevel) = (label, level)
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        StandardError.write(line(event, time: Date()) + "\n")
    }

    /// The line for an event. What the event says outranks what the logger knows.
    func line(_ event: LogEvent, time: Date) -> String {
        var all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = "\(error)" }
        let line = Line(
            time: time.formatted(
                .iso8601.year().month().day().timeZone(separator: .omitted).time(includingFractionalSeconds: true)
            ),
            level: event.level.rawValue,
            label: label,
            message: "\(event.message)",
            metadata: all.isEmpty ? nil : all.mapValues(Value.init)
        )
        do {
            return String(decoding: try JSON.encode(line), as: UTF8.self)
        } catch {
            return #"{"level":"error","label":"paceline.log","message":"a line of the log cannot be written as JSON"}"#
        }
    }

    private struct Line: Encodable {
        let time: String
        let level: String
        let label: String
        let message: String
        let metadata: [String: Value]?
    }

    private struct Value: Encodable {
        let value: Logger.MetadataValue

        func encode(to encoder: any Encoder) throws {
            switch value {
            case .string(let text): try text.encode(to: encoder)
            case .stringConvertible(let value): try "\(value)".encode(to: encoder)
            case .array(let values): try values.map(Value.init).encode(to: encoder)
            case .dictionary(let values): try values.mapValues(Value.init).encode(to: encoder)
            }
        }
    }
}
