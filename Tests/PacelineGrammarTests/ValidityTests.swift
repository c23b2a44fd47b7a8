import Foundation
import PacelineGrammar
import PacelineSpeculation
import Testing

/// What masks let through satisfies the schema in the eyes of Python's jsonschema.
@Suite("Texts that masks let through")
struct ValidityTests {
    @Test("of 500 random schemas are all valid")
    func randomSchemas() throws {
        var lines = ""
        var (texts, unfinished, refused) = (0, 0, 0)
        for seed in 0..<500 {
            var generator = RandomSchema(seed: UInt64(seed))
            let schema = generator.document()
            let grammar: Grammar
            do {
                grammar = try Grammar(.jsonSchema(schema))
            } catch {
                // Two types that exclude each other, for example.
                refused += 1
                continue
            }
            let matcher = GrammarMatcher(grammar, SmallVocabulary.json.trie)
            var random = SplitMix(seed: UInt64(seed))
            for _ in 0..<6 {
                guard let text = SmallVocabulary.json.walk(matcher, limit: 400, &random) else {
                    unfinished += 1
                    continue
                }
                texts += 1
                let string = try JSONEncoder().encode(String(decoding: text, as: UTF8.self))
                #expect(String(validating: text, as: UTF8.self) != nil)
                lines += "{\"schema\": \(schema), \"text\": \(String(decoding: string, as: UTF8.self))}\n"
            }
        }
        let verdicts = try Self.validate(lines)
        #expect(verdicts == ["valid \(texts)"])
        #expect(refused < 50, "\(refused) of 500 schemas were refused")
        #expect(unfinished * 20 < texts, "\(unfinished) walks did not end, \(texts) did")
    }

    static func validate(_ lines: String) throws -> [String] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).jsonl")
        try Data(lines.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", folder.appendingPathComponent("JSONSchemas/validate.py").path]
        let output = Pipe()
        (process.standardInput, process.standardOutput) = (try FileHandle(forReadingFrom: file), output)
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "validate.py failed; see Tests/JSONSchemas/README.md")
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
