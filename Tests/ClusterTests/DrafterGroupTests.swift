import Foundation
import PacelineCluster
import Testing

@testable import paceline

@Suite("Drafters that draft together")
struct DrafterGroupTests {
    @Test("are named between plus signs, which the names of files may hold too, with settings or without")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "paceline \(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let model = folder.appending(path: "a+b+c.gguf").path
        try Data("x".utf8).write(to: URL(filePath: model))
        #expect(try DrafterName.group("ngram+suffix").map(\.description) == ["ngram", "suffix"])
        #expect(try DrafterName.group(model) == [.model(path: model)])
        #expect(try DrafterName.group("ngram+\(model)+grammar").dropFirst() == [.model(path: model), .grammar])
        let retokenized = DrafterName.retokenized(path: model, tokenizer: model)
        #expect(try DrafterName.group("\(model):tokenizer=\(model)+grammar") == [retokenized, .grammar])
    }
}
