import ArgumentParser
import Foundation
import Glibc
import Logging
import NIOCore

/// The one executable of the project; each subcommand parses its flags and calls the libraries.
@main
struct Paceline: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "paceline",
        abstract: "Generate text with a large model, sped up by draft workers that never change a token.",
        discussion: """
            A verifier hosts the target model. Draft workers run ahead with something cheaper (a small model, n-gram \
            lookup) and send trees of candidate tokens over TCP; the verifier checks a whole tree in one pass. The \
            tokens of a request depend on the model, the prompt, the sampling parameters and the seed, and on nothing \
            else: any number of workers, any drafter and any fault give the same text.

            Everything on one machine, as real processes on loopback:

              paceline generate -m smollm2-135m -p "Once upon a time" -n 64 --workers 2

            As separate processes, on one machine or on several:

              paceline verifier -m qwen2.5-coder-1.5b
              paceline worker --connect 127.0.0.1:7411 -md qwen2.5-coder-0.5b

            A model is a GGUF file or one of the short names that Deploy/fetch-models.sh knows.
            """,
        version: PacelineVersion.text,
        subcommands: [
            GenerateCommand.self, VerifierCommand.self, WorkerCommand.self, GatewayCommand.self, ScoreCommand.self,
            TokenizeCommand.self, InspectCommand.self, DatastoreCommand.self, CaptureCommand.self, TrainCommand.self,
            BenchCommand.self, TopCommand.self, TraceCommand.self, SimulateCommand.self, ChaosCommand.self,
        ]
    )

    /// Runs the command line. A failure prints one sentence on standard error and exits with a non-zero status.
    ///
    /// Not asynchronous: the process must have a single thread until signals are blocked.
    static func main() {
        EndSignals.unblock()
        var configuration: EffectiveConfiguration?
        do {
            let environment = ProcessInfo.processInfo.environment
            let effective = try configured(Array(CommandLine.arguments.dropFirst()), environment)
            configuration = effective
            var command = try parseAsRoot(effective.arguments)
            for warning in effective.warnings { StandardError.sentence(warning) }
            if let command = command as? any ConfiguredCommand, command.configurationOptions.check {
                return try report(effective, of: command, environment)
            }
            guard let command = command as? any AsyncParsableCommand else { return try command.run() }
            Termination.takeSignals { await finish(command, effective) }
        } catch {
            exit(reporting: error, configuration)
        }
    }

    private static func configured(
        _ arguments: [String],
        _ environment: [String: String]
    ) throws -> EffectiveConfiguration {
        do {
            return try EffectiveConfiguration(arguments, environment: environment)
        } catch let error as ConfigurationError {
            throw ValidationError("\(error)")
        }
    }

    /// Prints the settings of a command that a start would accept.
    private static func report(
        _ configuration: EffectiveConfiguration,
        of command: any ConfiguredCommand,
        _ environment: [String: String]
    ) throws {
        try command.check()
        let report = ConfigurationReport(configuration, environment: environment)
        try command.isJSON ? StandardOutput.json(report.json) : StandardOutput.write(report.text)
    }

    private static func finish(
        _ command: any AsyncParsableCommand,
        _ configuration: EffectiveConfiguration
    ) async -> Never {
        var command = command
        // NIO's own default counts CPUs that the process may not use.
        NIOSingletons.groupLoopCountSuggestion = ThreadOptions.fallback
        do {
            try await command.run()
        } catch {
            exit(reporting: error, configuration)
        }
        Glibc.exit(EXIT_SUCCESS)
    }

    /// - Parameter configuration: says where the settings come from that the error is about.
    private static func exit(reporting error: any Error, _ configuration: EffectiveConfiguration?) -> Never {
        let status = exitCode(for: error)
        // Help, the version and completion scripts are "errors" that succeed.
        guard status != .success else { exit(withError: error) }
        if !(error is ExitCode) {
            let message = configuration?.explained(message(for: error)) ?? message(for: error)
            if configuration?.logsJSON == true {
                Logger(label: "paceline") { JSONLogHandler(label: $0, level: .error) }.error("\(message)")
            } else {
                StandardError.sentence(message, afterwards: status == .validationFailure)
            }
        }
        Glibc.exit(status.rawValue)
    }
}
