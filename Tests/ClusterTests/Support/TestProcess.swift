import Foundation
import Glibc
import Testing

/// A process of the built binary. Its output goes to files, and a pipe to its standard input ends it if the tests die.
final class TestProcess: Sendable {
    /// The binary beside the test bundle.
    static let binary: URL = {
        let tests = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return tests.deletingLastPathComponent().appending(path: "paceline")
    }()

    let arguments: [String]
    private let process = Process()
    private let input = Pipe()
    private let files: URL

    /// Starts the binary.
    ///
    /// - Parameter onOneCPU: restricts it to a single CPU.
    init(_ arguments: [String], environment: [String: String] = [:], onOneCPU: Bool = false) throws {
        self.arguments = arguments
        files = try TestFiles.directory(named: "process")
        process.executableURL = onOneCPU ? URL(filePath: "/usr/bin/taskset") : Self.binary
        process.arguments = (onOneCPU ? ["-c", ProcessTable.firstAllowedCPU, Self.binary.path] : []) + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = input
        process.standardOutput = try TestFiles.handle(files.appending(path: "stdout"))
        process.standardError = try TestFiles.handle(files.appending(path: "stderr"))
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    var pid: pid_t { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    func send(_ signal: Int32) {
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    /// Waits for the end.
    ///
    /// - Returns: the exit status, or 128 + the signal that ended it, as in shells.
    func exit() async throws -> Int32 {
        while process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
        process.waitUntilExit()
        let status = process.terminationStatus
        return process.terminationReason == .exit ? status : 128 + status
    }

    /// The same; nil if it has not ended by then.
    func exit(within limit: Duration) async throws -> Int32? {
        let deadline = ContinuousClock.now + limit
        while process.isRunning {
            guard ContinuousClock.now < deadline else { return nil }
            try await Task.sleep(for: .milliseconds(5))
        }
        return try await exit()
    }

    /// Its standard output so far.
    var output: String { TestFiles.text(files.appending(path: "stdout")) }
    /// Its standard error so far.
    var errors: String { TestFiles.text(files.appending(path: "stderr")) }

    /// Waits until `extract` finds something in the output.
    @discardableResult
    func waitForOutput<Found>(_ extract: (String) throws -> Found?) async throws -> Found {
        while true {
            let isRunning = isRunning
            if let found = try extract(output) { return found }
            guard isRunning else { throw EndedEarly(arguments: arguments, errors: errors, output: output) }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    struct EndedEarly: Error, CustomStringConvertible {
        let arguments: [String]
        let errors: String
        let output: String

        var description: String { "\(arguments) ended too early: \(errors)\(output)" }
    }
}

/// The status and output of a finished command.
struct CommandResult {
    var status: Int32
    var output: String
    var errors: String

    /// Runs the binary until it ends.
    static func of(_ arguments: String..., environment: [String: String] = [:]) async throws -> CommandResult {
        try await of(arguments, environment: environment)
    }

    static func of(_ arguments: [String], environment: [String: String] = [:]) async throws -> CommandResult {
        let process = try TestProcess(arguments, environment: environment)
        let status = try await process.exit()
        return CommandResult(status: status, output: process.output, errors: process.errors)
    }

    /// The JSON object on standard output; fails the test unless the command succeeded and wrote only that.
    static func json<Value: Decodable>(
        _ type: Value.Type,
        of arguments: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Value {
        let result = try await of(arguments)
        try #require(result.status == 0, "\(arguments): \(result.errors)", sourceLocation: sourceLocation)
        try #require(
            result.output.split(separator: "\n").count == 1,
            "\(result.output)",
            sourceLocation: sourceLocation
        )
        return try JSONDecoder().decode(type, from: Data(result.output.utf8))
    }
}
