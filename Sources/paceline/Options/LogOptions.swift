public import ArgumentParser
import Glibc
public import Logging

/// How much is logged to standard error.
struct LogOptions: ParsableArguments {
    /// The option of the level, by its name in a file of settings.
    static let levelKey = "log-level"
    static let formatKey = "log-format"
    /// The environment variable for the level.
    static let variable = "PACELINE_LOG"

    @Option(
        name: .customLong(Self.levelKey),
        help: ArgumentHelp(
            "How much to log to standard error. The environment variable PACELINE_LOG sets it too.",
            valueName: "level"
        )
    )
    var level: Logger.Level?

    @Option(
        name: .customLong(Self.formatKey),
        help: ArgumentHelp(
            "text, or json for one object a line: time, level, label, message and metadata.",
            valueName: "format"
        )
    )
    var format = LogFormat.text

    /// The flag's level, else the environment's, else `fallback`.
    func level(or fallback: Logger.Level) -> Logger.Level {
        level ?? Self.environmentLevel ?? fallback
    }

    /// Sends all logs of this process to standard error. Call once.
    func bootstrap(_ fallback: Logger.Level) {
        let (level, format) = (level(or: fallback), format)
        LoggingSystem.bootstrap { label in
            if format == .json { return JSONLogHandler(label: label, level: level) }
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
    }

    func validate() throws {
        guard let value = Self.environmentValue, Self.environmentLevel == nil else { return }
        throw ValidationError(
            "\(Self.variable) is \"\(value)\", but must be one of \(Logger.Level.allNames)"
        )
    }

    private static var environmentValue: String? {
        guard let value = getenv(variable), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private static var environmentLevel: Logger.Level? {
        environmentValue.flatMap { Logger.Level(rawValue: $0.lowercased()) }
    }
}

/// How the log looks.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

extension Logger.Level: @retroactive ExpressibleByArgument {
    fileprivate static var allNames: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
