public import ArgumentParser
import Glibc
public import Logging

/// How much is logged to standard error.
struct LogOptions: ParsableArguments {
    @Option(
        name: .customLong("log-level"),
        help: ArgumentHelp(
            "How much to log to standard error. The environment variable PACELINE_LOG sets it too.",
            valueName: "level"
        )
    )
    var level: Logger.Level?

    /// The flag's level, else the environment's, else `fallback`.
    func level(or fallback: Logger.Level) -> Logger.Level {
        level ?? Self.environmentLevel ?? fallback
    }

    /// Sends all logs of this process to standard error. Call once.
    func bootstrap(_ fallback: Logger.Level) {
        let level = level(or: fallback)
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
    }

    func validate() throws {
        guard let value = Self.environmentValue, Self.environmentLevel == nil else { return }
        throw ValidationError(
            "PACELINE_LOG is \"\(value)\", but must be one of \(Logger.Level.allNames)"
        )
    }

    private static var environmentValue: String? {
        guard let value = getenv("PACELINE_LOG"), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    private static var environmentLevel: Logger.Level? {
        environmentValue.flatMap { Logger.Level(rawValue: $0.lowercased()) }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {
    fileprivate static var allNames: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
