import Foundation

/// protoc-c, protobuf's own compiler with a C back end: an encoder and decoder independent of ours.
enum ProtobufCompiler {
    static let protocols = VectorFile.folder.deletingLastPathComponent()

    static let path = ["/usr/bin/protoc-c", "/usr/local/bin/protoc-c"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Converts between a message's bytes and its text format.
    ///
    /// - Parameter mode: `--encode` or `--decode`.
    static func convert(_ mode: String, _ message: String, _ input: Data) throws -> Data {
        let files = ["handshake", "drafting", "liveness"].map { "paceline/v1/\($0).proto" }
        let arguments = ["-I", ".", "\(mode)=paceline.v1.\(message)"] + files
        return try run(path ?? "protoc-c", arguments, input: input)
    }

    static func run(_ executable: String, _ arguments: [String], input: Data = Data()) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        process.currentDirectoryURL = protocols
        let (standardInput, output) = (Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: input)
        try standardInput.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw VectorError(name: executable, reason: String(decoding: data, as: UTF8.self))
        }
        return data
    }
}
