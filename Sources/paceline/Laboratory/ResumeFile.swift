import ArgumentParser
import Foundation
import PacelineSpeculation

/// The file that keeps what a laboratory has found out, so that the next run goes on from there.
struct ResumeFile {
    private(set) var notebook: LaboratoryNotebook
    private let file: LineFile?

    /// Only in memory.
    init(settings: [String: String]) {
        notebook = LaboratoryNotebook(settings: settings)
        file = nil
    }

    /// Reads the file at `path`, if there is one.
    ///
    /// A last line that was cut off, as when the earlier run was stopped, is dropped.
    ///
    /// - Throws: `ValidationError` for a file of other settings, or one that is none of this command.
    init(settings: [String: String], path: String) throws {
        notebook = LaboratoryNotebook(settings: settings)
        let bytes = try Self.bytes(at: path)
        let whole = bytes.lastIndex(of: UInt8(ascii: "\n")).map { bytes.prefix(through: $0) } ?? Data()
        let lines = whole.split(separator: UInt8(ascii: "\n"))
        let records = try lines.enumerated().map { number, line in
            guard let record = try? JSONDecoder().decode(LaboratoryNotebook.Record.self, from: line) else {
                throw ValidationError(
                    "\(path) cannot be resumed: line \(number + 1) was not written by this command; name another file"
                )
            }
            return record
        }
        guard !records.isEmpty || bytes.isEmpty || bytes.first == UInt8(ascii: "{") else {
            throw ValidationError("\(path) cannot be resumed: it was not written by this command; name another file")
        }
        do throws(LaboratoryNotebookError) {
            try notebook.take(records)
        } catch {
            throw ValidationError("\(path) cannot be resumed: \(error); use the same options, or name another file")
        }
        file = try LineFile("what the next run needs", at: path, keeping: whole.count)
        if records.isEmpty { try file?.append(LaboratoryNotebook.Record(settings: settings)) }
    }

    mutating func add(_ record: LaboratoryNotebook.Record) throws {
        notebook.add(record)
        try file?.append(record)
    }

    /// Nothing if there is no file.
    private static func bytes(at path: String) throws -> Data {
        guard FileManager.default.fileExists(atPath: path) else { return Data() }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ValidationError("\(path) cannot be read; check the path and its permissions")
        }
        return data
    }
}
