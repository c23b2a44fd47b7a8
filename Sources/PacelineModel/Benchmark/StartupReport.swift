import Glibc

/// The time and memory that a process needed until it could answer, with their limits.
package struct StartupReport: Sendable {
    /// Time to load the model, from opening its file.
    package var load: Duration
    /// Time to the first token's logits, from opening the file.
    package var firstToken: Duration
    /// Bytes of the model's file.
    package var fileBytes: Int
    /// Peak resident memory while loading, in bytes, including pages shared with the page cache.
    package var peakResidentBytes: Int
    /// Resident memory after the first token, in bytes.
    package var residentBytes: Int

    /// Reads the process's memory use now.
    ///
    /// - Throws: ``ProcessMemoryError`` if the system does not report it.
    package init(load: Duration, firstToken: Duration, fileBytes: Int) throws(ProcessMemoryError) {
        self.load = load
        self.firstToken = firstToken
        self.fileBytes = fileBytes
        peakResidentBytes = try Self.status("VmHWM")
        residentBytes = try Self.status("VmRSS")
    }

    /// The fewest milliseconds that loading can take at `bandwidth` GB/s: read the file and write its packed copy.
    package func limitMilliseconds(bandwidth: Double) -> Double {
        2 * Double(fileBytes) / (bandwidth * 1e6)
    }

    /// A field of `/proc/self/status`, in bytes.
    private static func status(_ field: String) throws(ProcessMemoryError) -> Int {
        let path = "/proc/self/status"
        guard let file = fopen(path, "r") else { throw ProcessMemoryError(path: path, field: field) }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            let words = text.split { ": \t\n".contains($0) }
            if words.count >= 2, words[0] == field, let kilobytes = Int(words[1]) { return kilobytes * 1024 }
        }
        throw ProcessMemoryError(path: path, field: field)
    }
}

/// The system does not report how much memory the process uses.
package struct ProcessMemoryError: Error, CustomStringConvertible {
    package let path: String
    package let field: String

    package var description: String {
        "\(path) has no \(field), so the memory use of this process is unknown; mount /proc and try again"
    }
}
