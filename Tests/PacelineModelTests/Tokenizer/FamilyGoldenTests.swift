import Foundation
import PacelineModel
import PacelineTestKit
import Testing

/// A small vocabulary of a family, with texts and their tokens from Hugging Face's tokenizers library with the family's
/// published settings (Tests/TokenizerComparison/families.py).
private struct FamilyGolden: Decodable {
    struct Case: Decodable {
        var text: String
        var tokens: [UInt32]
    }

    /// `general.architecture`.
    var architecture: String
    /// `tokenizer.ggml.model`.
    var model: String
    /// `tokenizer.ggml.pre`.
    var pre: String?
    var tokens: [String]
    var types: [Int32]
    var scores: [Float]?
    var merges: [String]?
    var bos: UInt32
    var eos: UInt32
    var addsSpacePrefix: Bool?
    var cases: [Case]

    init(_ url: URL) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
    }

    func tokenizer() throws -> Tokenizer {
        var writer = GGUFWriter()
        writer.add("general.architecture", .string(architecture))
        writer.add("tokenizer.ggml.model", .string(model))
        writer.add("tokenizer.ggml.tokens", .strings(tokens))
        writer.add("tokenizer.ggml.token_type", .int32s(types))
        if let pre { writer.add("tokenizer.ggml.pre", .string(pre)) }
        if let scores { writer.add("tokenizer.ggml.scores", .float32s(scores)) }
        if let merges { writer.add("tokenizer.ggml.merges", .strings(merges)) }
        writer.add("tokenizer.ggml.bos_token_id", .uint32(bos))
        writer.add("tokenizer.ggml.eos_token_id", .uint32(eos))
        if let addsSpacePrefix { writer.add("tokenizer.ggml.add_space_prefix", .bool(addsSpacePrefix)) }
        return try Tokenizer(GGUFFile(bytes: writer.serialised(), name: "family.gguf"))
    }
}

@Suite("Tokens of families")
struct FamilyGoldenTests {
    /// The committed samples, and any in the folder `PACELINE_FAMILY_GOLDENS` (larger ones, outside CI).
    private static let files: [URL] = {
        let folder = ProcessInfo.processInfo.environment["PACELINE_FAMILY_GOLDENS"]
        let more = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
        let committed = ["gemma3", "llama", "mistral3", "phi3"].compactMap {
            Bundle.module.url(forResource: $0, withExtension: "json", subdirectory: "Goldens/Families")
        }
        return committed + more.sorted().map { URL(fileURLWithPath: "\(folder ?? "")/\($0)") }
    }()

    @Test("markers, spaces, U+2581 and line feeds give the same tokens as the published tokenizer", arguments: files)
    func published(file: URL) throws {
        let golden = try FamilyGolden(file)
        let tokenizer = try golden.tokenizer()
        #expect(golden.cases.count >= 300)
        var wrong = 0
        for example in golden.cases where tokenizer.encode(example.text) != example.tokens {
            wrong += 1
            guard wrong <= 5 else { continue }
            Issue.record("\(example.text.debugDescription): \(tokenizer.encode(example.text)), not \(example.tokens)")
        }
        #expect(wrong == 0, "of \(golden.cases.count)")
    }

    @Test("every family has a sample")
    func families() {
        #expect(Self.files.count >= 4)
    }
}
