import Foundation
import PacelineGrammar
import PacelineSpeculation
import Testing

private let folder = ProcessInfo.processInfo.environment["PACELINE_TEST_SCHEMA_SUITE"]

/// What a published suite of schemas says of ours: https://github.com/json-schema-org/JSON-Schema-Test-Suite.
///
/// It is not part of the project; PACELINE_TEST_SCHEMA_SUITE names its folder `tests/draft2020-12`.
@Suite("The JSON Schema Test Suite", .enabled(if: folder != nil))
struct SchemaSuiteTests {
    private struct Tally {
        var (supported, refused) = (0, 0)
        /// Valid instances whose text is one that a mask would let through, and those where it is another one.
        var (taken, otherwise) = (0, 0)
        var (excluded, violations) = (0, [String]())
        var lines = ""
        var texts = 0
    }

    @Test("is refused, or never violated")
    func suite() throws {
        let suite = URL(fileURLWithPath: try #require(folder))
        let files = try FileManager.default.contentsOfDirectory(at: suite, includingPropertiesForKeys: nil)
        var tally = Tally()
        for file in files.filter({ $0.pathExtension == "json" }).sorted(by: { $0.path < $1.path }) {
            let groups = try #require(
                try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]]
            )
            for group in groups { try count(group, of: file.lastPathComponent, &tally) }
        }
        print(
            """
            JSON Schema Test Suite, draft 2020-12: \(tally.supported) schemas are supported, \(tally.refused) refused;
            valid instances: \(tally.taken) may be written as they are, \(tally.otherwise) not; invalid instances: \
            \(tally.excluded) excluded, \(tally.violations.count) not; \(tally.texts) random texts
            """
        )
        #expect(tally.supported > 100)
        #expect(tally.violations.isEmpty, "\(tally.violations.joined(separator: "\n"))")
        #expect(try ValidityTests.validate(tally.lines) == ["valid \(tally.texts)"])
    }

    private func count(_ group: [String: Any], of file: String, _ tally: inout Tally) throws {
        let schema = try text(of: try #require(group["schema"]))
        guard let grammar = try? Grammar(.jsonSchema(schema)) else {
            tally.refused += 1
            return
        }
        tally.supported += 1
        for test in try #require(group["tests"] as? [[String: Any]]) {
            let instance = try text(of: try #require(test["data"]))
            let isTaken = accepts(grammar, instance)
            switch (test["valid"] as? Bool, isTaken) {
            case (true, true): tally.taken += 1
            case (true, false): tally.otherwise += 1
            case (_, false): tally.excluded += 1
            case (_, true): tally.violations.append("\(file): \(schema) lets \(instance) through")
            }
        }
        let matcher = GrammarMatcher(grammar, SmallVocabulary.json.trie)
        var random = SplitMix(seed: 1)
        for _ in 0..<4 {
            guard let walked = SmallVocabulary.json.walk(matcher, limit: 400, &random) else { continue }
            let string = try text(of: String(decoding: walked, as: UTF8.self))
            tally.lines += "{\"schema\": \(schema), \"text\": \(string)}\n"
            tally.texts += 1
        }
    }

    private func text(of value: Any) throws -> String {
        let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try JSONSerialization.data(withJSONObject: value, options: options), as: UTF8.self)
    }
}
