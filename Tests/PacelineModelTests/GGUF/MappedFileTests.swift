import Foundation
import PacelineModel
import PacelineTestKit
import Testing

@Suite("Mapped files")
struct MappedFileTests {
    private func withFile<R>(_ bytes: [UInt8], _ body: (String) throws -> R) throws -> R {
        let url = FileManager.default.temporaryDirectory.appending(path: "paceline-\(UUID().uuidString).gguf")
        try Data(bytes).write(to: url)
        defer { try? FileManager.default.removeItem(at: url) }
        return try body(url.path)
    }

    @Test("the bytes are the file's, even after their pages were dropped")
    func advice() throws {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try withFile(bytes) { path in
            let file = try MappedFile(path: path)
            for range in [0..<100_000, 1..<99_999, 5000..<5001, -10..<200_000] {
                file.dropPages(in: range)
                #expect(file.withBytes { $0.elementsEqual(bytes) })
            }
        }
        let copy = try MappedFile(copying: bytes, name: "memory")
        copy.dropPages(in: 0..<copy.count)
        #expect(copy.withBytes { $0.elementsEqual(bytes) })
    }

    @Test("an empty file maps to no bytes")
    func empty() throws {
        try withFile([]) { path in
            let file = try MappedFile(path: path)
            #expect(file.withBytes { $0.isEmpty })
        }
        let memory = try MappedFile(copying: [], name: "memory")
        #expect(memory.withBytes { $0.isEmpty })
    }

    @Test("the error for an unreadable path states the reason")
    func unreadable() throws {
        let missing = #expect(throws: GGUFError.self) { try MappedFile(path: "/nonexistent/model.gguf") }
        #expect(
            missing?.description
                == "/nonexistent/model.gguf cannot be read (No such file or directory); "
                + "check the path and its permissions"
        )
        let folder = NSTemporaryDirectory()
        let error = GGUFError(path: folder, reason: .notARegularFile)
        #expect(throws: error) { try MappedFile(path: folder) }
    }

    @Test("a model reads the same from disk and from memory")
    func sameAsMemory() throws {
        let bytes = TinyModel().serialised()
        try withFile(bytes) { path in
            let disk = try GGUFFile(path: path)
            let memory = try GGUFFile(bytes: bytes, name: "memory")
            #expect(disk.tensorNames == memory.tensorNames)
            #expect(try ModelConfiguration(disk) == ModelConfiguration(memory))
            #expect(try Tokenizer(disk).fingerprint == Tokenizer(memory).fingerprint)
        }
    }
}
