import Glibc

/// What it took a process to become able to answer: time and memory, with their limits.
package struct StartupReport: Sendable {
    /// From the file's name to a model that is ready.
    package var load: Duration
    /// From the file's name to the first token's logits.
    package var firstToken: Duration
    /// Bytes of the model's file.
    package var fileBytes: Int
    /// Bytes of memory that the process held at most while it loaded, what it shares with the page cache included.
    package var peakResidentBytes: Int
    /// Bytes of memory that the process held when the first token was there.
    package var residentBytes: Int

    /// Notes what the process holds now.
    ///
    /// - Throws: ``ProcessMemoryError`` where the system does not tell.
    package init(load: Duration, firstToken: Duration, fileBytes: Int) throws(ProcessMemoryError) {
        self.load = load
        self.firstToken = firstToken
        self.fileBytes = fileBytes
        peakResidentBytes = try Self.status("VmHWM")
        residentBytes = try Self.status("VmRSS")
    }

    /// The least milliseconds that loading can take at `bandwidth` GB/s: the file is read and its packed copy written.
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

/// The system does not say how much memory the process holds.
package struct ProcessMemoryError: Error, CustomStringConvertible {
    package let path: String
    package let field: String

    package var description: String {
        "\(path) has no \(field), so the memory of this process is unknown; mount /proc and try again"
    }
}
