import Foundation
import PacelineModel
import Testing

@Suite("The model catalog")
struct ModelCatalogTests {
    @Test("a short name resolves to its fetched file; the error for a missing file says how to fetch it")
    func shortNames() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "paceline-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let catalog = ModelCatalog(directory: folder.path)
        let path = folder.path + "/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
        let error = #expect(throws: CatalogError.self) { try catalog.resolve("qwen2.5-coder-0.5b") }
        #expect(
            error?.description
                == "the model qwen2.5-coder-0.5b is not at \(path); fetch it with: Deploy/fetch-models.sh qwen"
        )
        try Data().write(to: URL(filePath: path))
        #expect(try catalog.resolve("qwen2.5-coder-0.5b") == path)
    }

    @Test("paths stay unchanged; the error for any other word lists the known names")
    func paths() throws {
        let catalog = ModelCatalog(directory: "/nowhere")
        for path in ["/a/b.gguf", "b.gguf", "./model", "~/x.gguf"] {
            #expect(try catalog.resolve(path) == path)
        }
        let error = CatalogError.unknown("gpt-5", known: ["smollm2-135m", "qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b"])
        #expect(throws: error) { try catalog.resolve("gpt-5") }
        #expect(error.description.hasSuffix("or one of smollm2-135m, qwen2.5-coder-1.5b, qwen2.5-coder-0.5b"))
    }
}
