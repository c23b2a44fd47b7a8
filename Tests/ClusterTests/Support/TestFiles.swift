import Foundation
import Glibc
import PacelineTestKit
import Synchronization

/// Creates files in a folder of this test run.
enum TestFiles {
    private static let count = Atomic(0)

    private static let root: URL = {
        let folder = FileManager.default.temporaryDirectory.appending(path: "paceline-tests-\(getpid())")
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            preconditionFailure("cannot make \(folder.path): \(error)")
        }
        atexit { try? FileManager.default.removeItem(at: TestFiles.root) }
        return folder
    }()

    /// A new, empty folder.
    static func directory(named name: String) throws -> URL {
        let folder = root.appending(path: "\(name)-\(count.add(1, ordering: .relaxed).newValue)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    /// A new file with these bytes.
    static func file(_ bytes: some Sequence<UInt8>, name: String) throws -> String {
        let url = try directory(named: "file").appending(path: name)
        try Data(bytes).write(to: url)
        return url.path
    }

    static func handle(_ url: URL) throws -> FileHandle {
        try Data().write(to: url)
        return try FileHandle(forWritingTo: url)
    }

    static func text(_ url: URL) -> String {
        (try? Data(contentsOf: url)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// The models that the tests run.
enum TestModels {
    static let smollm2 = "smollm2-135m"
    static let isQwenEnabled = ProcessInfo.processInfo.environment["PACELINE_TEST_QWEN"] == "1"

    /// A target of two blocks whose drafter usually agrees with it.
    static let tiny = written(TinyModel(), "tiny")
    static let tinyDrafter = written(TinyModel().drafter(), "tiny-drafter")
    /// A model with a different vocabulary.
    static let tinyStranger: String = {
        var model = TinyModel()
        model.tokenTexts[TinyVocabulary.shared.tokens.count - 2] = "<|stranger|>"
        return written(model, "tiny-stranger")
    }()

    /// The path of a file with the model.
    static func written(_ model: TinyModel, _ name: String) -> String {
        do {
            return try TestFiles.file(model.serialised(), name: "\(name).gguf")
        } catch {
            preconditionFailure("cannot write \(name): \(error)")
        }
    }
}
