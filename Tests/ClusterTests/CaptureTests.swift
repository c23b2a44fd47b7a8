import Foundation
import Glibc
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTraining
import Testing

extension ClusterSuite {
    /// `capture` as users see it.
    @Suite("Captures", .timeLimit(.minutes(4)))
    struct CaptureTests {
        private static let texts = [
            "row row row your boat", "once upon a time there was the end of the tale", "the", "a boat and a stream",
        ]

        private struct Report: Decodable {
            var sequences: Int
            var tokens: Int
            var answer_tokens: Int
            var bytes: Int
            var new_sequences: Int
            var new_answer_tokens: Int
            var left_out_prompts: Int
        }

        private static func prompts(_ texts: [String] = texts) throws -> [String] {
            let lines = texts.map { "{\"turns\": [\"\($0)\", \"and again\"]}\n" }.joined()
            return ["--prompts", try TestFiles.file(Array(lines.utf8), name: "prompts.jsonl")]
        }

        private static func path() throws -> String {
            try TestFiles.directory(named: "capture").appending(path: "tiny.capture").path
        }

        private static func line(_ path: String, model: String = TestModels.tiny, _ more: [String]) -> [String] {
            ["capture", "-m", model, "-o", path, "-n", "20", "-t", "1", "--json"] + more
        }

        @discardableResult
        private static func capture(
            _ path: String,
            model: String = TestModels.tiny,
            _ more: [String]
        ) async throws -> Report {
            try await CommandResult.json(Report.self, of: line(path, model: model, more))
        }

        private static func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }

        private static func records(_ path: String) throws -> (header: CaptureHeader, records: [CaptureRecord]) {
            let source = CaptureBytes(try [UInt8](bytes(path)))
            let reader = try CaptureReader(source)
            return (reader.header, try reader.entries.map { try reader.record($0, from: source) })
        }

        // MARK: What is captured

        @Test("answers are those of generate with the chat format, each token the first of the most probable ones")
        func answers() async throws {
            for (model, texts) in [(TestModels.tiny, Self.texts), (TestModels.smollm2, ["What is rain?", "Say no."])] {
                let path = try Self.path()
                let report = try await Self.capture(path, model: model, Self.prompts(texts))
                let (header, records) = try Self.records(path)
                #expect(records.map(\.number) == Array(texts.indices))
                for (text, record) in zip(texts, records) {
                    let generate = ["-m", model, "-p", text, "--chat", "-n", "20", "--temp", "0", "--workers", "0"]
                    let expected = try await GenerateOutput.of(generate)
                    let answer = record.tokens[record.promptCount...]
                    #expect(Array(answer) == expected.tokens && record.promptCount == expected.usage.prompt_tokens)
                    let top = record.sequence(header).top
                    #expect(
                        top.map(\.count)
                            == record.tokens.indices.map {
                                record.promptCount - 1..<record.tokens.count - 1 ~= $0 ? 8 : 0
                            }
                    )
                    #expect(top.compactMap(\.first?.token) == answer.map(Int.init))
                }
                #expect(report.sequences == texts.count && report.new_sequences == texts.count)
                #expect(report.tokens == records.reduce(0) { $0 + $1.tokens.count })
                #expect(report.answer_tokens == records.reduce(0) { $0 + $1.tokens.count - $1.promptCount })
                #expect(try report.bytes == Self.bytes(path).count)
            }
        }

        @Test("features are those of one pass over the whole sequence")
        func features() async throws {
            let path = try Self.path()
            try await Self.capture(path, Self.prompts() + ["--taps", "1,last,normed", "--sequences", "3"])
            let (header, records) = try Self.records(path)
            let taps: [FeatureTap] = [.input(layer: 1), .lastOutput, .normedOutput]
            #expect(header.taps == taps && header.rowWidth == 3 * 256)
            let transformer = try LanguageModel(
                ModelFile(path: TestModels.tiny),
                compute: Compute(threads: 1)
            ).transformer
            for record in records {
                let cache = KVCache(pool: KVPagePool(shape: transformer.cacheShape, slots: 1024))
                try cache.reserve(record.tokens.count)
                let features = try FeatureRows(taps: taps, of: transformer.configuration)
                let rows = record.tokens.enumerated().map {
                    PassRow.committed($1, position: $0, cache: cache, wantsLogits: false, wantsFeatures: true)
                }
                transformer.forward(rows, features: features)
                let expected = (0..<features.count).flatMap { features.row($0) }
                #expect(record.features == CaptureRecord.halves(of: expected))
            }
        }

        @Test(
            "prompts that the model writes fill its template, differ by number and seed, and end when there is enough"
        )
        func ownPrompts() async throws {
            let (path, other) = (try Self.path(), try Self.path())
            let report = try await Self.capture(path, ["--tokens", "100", "--sequences", "5"])
            #expect(report.answer_tokens >= 100 && report.answer_tokens < 120)
            let records = try Self.records(path).records
            let tokenizer = try ModelFile(path: TestModels.tiny).tokenizer
            let prompts = try records.map { record in
                String(decoding: try tokenizer.decode(Array(record.tokens[..<record.promptCount])), as: UTF8.self)
            }
            #expect(Set(prompts).count == prompts.count)
            for prompt in prompts {
                #expect(
                    prompt.hasPrefix("<|im_start|>user\n") && prompt.hasSuffix("<|im_end|>\n<|im_start|>assistant\n")
                )
            }
            try await Self.capture(other, ["--tokens", "100", "--seed", "77"])
            #expect(try Self.records(other).records[0].tokens != records[0].tokens)
        }

        @Test("prompts that leave no room for an answer are left out")
        func leftOut() async throws {
            let path = try Self.path()
            let long = Array(repeating: "row", count: 200).joined(separator: " ")
            let report = try await Self.capture(path, Self.prompts(["the", long, "a"]) + ["-c", "100"])
            #expect(report.left_out_prompts == 1 && report.sequences == 2)
            #expect(try Self.records(path).records.map(\.number) == [0, 2])
        }

        // MARK: Going on

        @Test("a capture that is cut off anywhere and resumed gives the file of one that was not")
        func resumes() async throws {
            let (whole, options) = (try Self.path(), try Self.prompts())
            try await Self.capture(whole, options)
            let expected = try Self.bytes(whole)
            let first = try CaptureReader(CaptureBytes([UInt8](expected))).entries[0].range
            let lengths = [0, 5, first.lowerBound, first.lowerBound + 1, first.upperBound, expected.count - 1]
            for (number, length) in lengths.enumerated() {
                let path = try TestFiles.file(expected.prefix(length), name: "cut.capture")
                let report = try await Self.capture(path, options + ["--sequences", "\(number + 1)"])
                #expect(try Self.bytes(path) == expected, "after \(length) bytes")
                #expect(report.sequences == 4)
            }
            let again = try await Self.capture(whole, options)
            #expect(try Self.bytes(whole) == expected && again.new_sequences == 0)
        }

        @Test("Ctrl-C ends it with what is complete, and the same command goes on from there")
        func interrupted() async throws {
            let (path, whole) = (try Self.path(), try Self.path())
            let process = try TestProcess(Self.line(path, ["--tokens", "1000000"]))
            while process.isRunning, ((try? Self.bytes(path).count) ?? 0) < 400_000 {
                try await Task.sleep(for: .milliseconds(5))
            }
            process.send(SIGINT)
            #expect(try await process.exit() == 130)
            #expect(process.output.isEmpty && process.errors.contains("the same command goes on from there"))
            let kept = try Self.records(path).records
            let total = ["--tokens", "\(kept.reduce(0) { $0 + $1.tokens.count - $1.promptCount } + 50)"]
            #expect(try await Self.capture(path, total).new_sequences > 0)
            try await Self.capture(whole, total)
            #expect(try Self.bytes(path) == Self.bytes(whole))
        }

        @Test("a file of another capture, a damaged one, or none at all stays as it is, and one sentence says why")
        func refusesOthers() async throws {
            let (path, options) = (try Self.path(), try Self.prompts())
            try await Self.capture(path, options)
            let before = try Self.bytes(path)
            func refusal(_ path: String, _ more: [String], model: String = TestModels.tiny) async throws -> String {
                let result = try await CommandResult.of(Self.line(path, model: model, more))
                #expect(result.status != 0 && result.output.isEmpty)
                #expect(result.errors.split(separator: "\n").count == 1)
                return result.errors
            }
            for (more, words) in [
                (options + ["-n", "19"], "answers of at most 20 tokens"), (options + ["--taps", "last"], "taps"),
                (options + ["--kv-type", "int8"], "fingerprint"), (["--tokens", "10"], "4 prompts that hash to"),
                (try Self.prompts(["the"]), "4 prompts"),
            ] {
                let errors = try await refusal(path, more)
                #expect(errors.contains("cannot be continued") && errors.contains(words), "\(errors)")
            }
            #expect(try await refusal(path, options, model: TestModels.tinyDrafter).contains("fingerprint"))
            #expect(try Self.bytes(path) == before)

            var damaged = before
            damaged[before.count - 3] ^= 1
            let broken = try TestFiles.file(damaged, name: "broken.capture")
            #expect(try await refusal(broken, options).contains("damaged at byte"))
            #expect(try Self.bytes(broken) == damaged)
            let other = try TestFiles.file(Array("precious words\n".utf8), name: "words.txt")
            #expect(try await refusal(other, options).contains("this is not a capture"))
            #expect(try String(contentsOfFile: other, encoding: .utf8) == "precious words\n")
        }

        @Test("two captures do not write one file")
        func locked() async throws {
            let path = try Self.path()
            let process = try TestProcess(Self.line(path, ["--tokens", "1000000"]))
            while process.isRunning, ((try? Self.bytes(path).count) ?? 0) == 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
            let second = try await CommandResult.of(Self.line(path, ["--tokens", "1000000"]))
            #expect(second.status != 0 && second.errors.contains("is being written by another capture"))
            process.send(SIGINT)
            _ = try await process.exit()
        }

        @Test(
            "options that make no sense are refused in one sentence",
            arguments: [
                ["--taps", "7"]: "no layer 7", ["-n", "2048"]: "leaves no room for a prompt",
                ["--chat-format", "none"]: "in a chat format", ["-c", "99999"]: "the model holds 2048",
                ["--prompts", "/nowhere"]: "cannot be read",
                ["--prompts", "x", "--seed", "1"]: "--seed is for prompts",
                ["-c", "60"]: "prompts in a row", ["-o", "/nowhere/x"]: "cannot be written",
                ["-o", "/dev/null"]: "not a regular file",
            ]
        )
        func options(arguments: [String], words: String) async throws {
            let result = try await CommandResult.of(Self.line(try Self.path(), arguments))
            #expect(result.status != 0 && result.output.isEmpty)
            #expect(
                result.errors.contains(words) && result.errors.split(separator: "\n").count == 1,
                "\(result.errors)"
            )
        }
    }
}
