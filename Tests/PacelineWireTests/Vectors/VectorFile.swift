import Foundation

/// A file of `Protocols/vectors`: hexadecimal bytes, with `#` starting a comment.
struct VectorFile {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../../Protocols/vectors"
    )

    var name: String

    private var url: URL { Self.folder.appending(path: name + ".hex") }

    func read() throws -> [UInt8] {
        let text = try String(contentsOf: url, encoding: .utf8)
        let digits = text.split(separator: "\n").map { $0.prefix { $0 != "#" } }.joined().filter { !$0.isWhitespace }
        var bytes: [UInt8] = []
        var rest = Substring(digits)
        while let byte = UInt8(rest.prefix(2), radix: 16) {
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        guard rest.isEmpty else { throw VectorError(name: name, reason: "stray characters: \(rest)") }
        return bytes
    }

    /// For recording only.
    func write(_ frame: [UInt8], title: String) throws {
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        var text = "# \(title)\n"
        text += "\(hex(frame[0..<4]))  # magic\n\(hex(frame[4..<8]))  # CRC-32C of the 20 bytes below\n"
        text +=
            "\(hex(frame[8..<10]))  # framing version\n\(hex(frame[10..<11]))  # type\n"
        text += "\(hex(frame[11..<12]))  # flags\n"
        text += "\(hex(frame[12..<16]))  # payload length\n\(hex(frame[16..<20]))  # CRC-32C of the payload\n"
        text += "\(hex(frame[20..<28]))  # sequence number\n# payload\n"
        for start in stride(from: 28, to: frame.count, by: 32) {
            text += hex(frame[start..<min(start + 32, frame.count)]) + "\n"
        }
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    private func hex(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { String(format: "%02x", $0) }.joined(separator: " ")
    }
}

struct VectorError: Error, CustomStringConvertible {
    var name: String
    var reason: String

    var description: String { "\(name): \(reason)" }
}
