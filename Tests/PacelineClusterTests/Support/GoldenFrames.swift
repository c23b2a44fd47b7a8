import Foundation
import NIOCore
import PacelineWire

/// Frames from the protocol's vectors.
enum GoldenFrames {
    /// The frames of a folder, in the order of their names.
    static func frames(in folder: String) throws -> [Frame] {
        let package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        let directory = package.appending(path: "Protocols/vectors/\(folder)")
        let files = try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
        return try files.filter { $0.pathExtension == "hex" }.sorted { $0.path < $1.path }.flatMap { file in
            try WireTap.frames(in: bytes(String(contentsOf: file, encoding: .utf8)))
        }
    }

    private static func bytes(_ text: String) -> ByteBuffer {
        ByteBuffer(
            bytes: text.split(separator: "\n").flatMap { line in
                line.prefix { $0 != "#" }.split(separator: " ").compactMap { UInt8($0, radix: 16) }
            }
        )
    }
}
