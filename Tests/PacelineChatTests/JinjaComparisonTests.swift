import Foundation
import PacelineChat
import Testing

@Suite("Chat templates beside Python's Jinja2")
struct JinjaComparisonTests {
    /// The seeds of `PACELINE_JINJA_SEEDS`, as `1..4000`.
    private static let seeds: ClosedRange<Int> = {
        let text = ProcessInfo.processInfo.environment["PACELINE_JINJA_SEEDS"] ?? "1..4000"
        let bounds = text.components(separatedBy: "..").compactMap(Int.init)
        return bounds.count == 2 && bounds[0] <= bounds[1] ? bounds[0]...bounds[1] : 1...4000
    }()

    private static let parts: [ClosedRange<Int>] = {
        stride(from: seeds.lowerBound, through: seeds.upperBound, by: 1000).map { $0...min($0 + 999, seeds.upperBound) }
    }()

    @Test("A random template gives the same prompt, or is refused by both", arguments: parts)
    func equal(part: ClosedRange<Int>) async throws {
        var compared = 0
        for line in try Self.expectations(part) {
            guard case .mapping(let entry) = try JSONReader.read(line, isMessage: false) else {
                Issue.record("expect.py printed \(line)")
                return
            }
            let expected = try #require(Self.outcome(of: entry))
            let actual = Self.outcome(of: entry, rendered: Self.render(entry))
            #expect(actual == expected, "seed \(entry["seed"].map { "\($0)" } ?? "?")")
            compared += 1
        }
        #expect(compared > part.count * 9 / 10)
    }

    /// What came of a template: its text, the text of its refusal, or nothing but a failure.
    private enum Outcome: Equatable {
        case output(String)
        case refused(String)
        case failed
    }

    private static func outcome(of entry: TemplateMapping) -> Outcome? {
        if case .text(let text)? = entry["output"] { return .output(text.string) }
        if case .text(let text)? = entry["refused"] { return .refused(text.string) }
        return entry["error"] == nil ? nil : .failed
    }

    private static func outcome(of entry: TemplateMapping, rendered: Result<String, TemplateError>) -> Outcome {
        switch rendered {
        case .success(let text): .output(text)
        case .failure(.refused(let text)): .refused(text)
        case .failure: .failed
        }
    }

    private static func render(_ entry: TemplateMapping) -> Result<String, TemplateError> {
        guard case .text(let template)? = entry["template"], case .mapping(let context)? = entry["context"] else {
            return .failure(.limit("expect.py gave no template"))
        }
        do throws(TemplateError) {
            return .success(try ChatTemplate(template.string).render(context, time: 1_700_000_000).string)
        } catch {
            return .failure(error)
        }
    }

    private static func expectations(_ part: ClosedRange<Int>) throws -> [String] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "python3", folder.appendingPathComponent("ChatTemplates/expect.py").path, "\(part.lowerBound)",
            "\(part.upperBound)",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(
            process.terminationStatus == 0,
            "expect.py failed; it needs Jinja2, which Deploy/test.sh installs (see Tests/ChatTemplates/README.md)"
        )
        return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
