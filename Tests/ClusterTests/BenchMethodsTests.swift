import Foundation
import Testing

@testable import paceline

extension ClusterSuite {
    /// `bench methods` as users see it.
    @Suite("Comparing methods", .timeLimit(.minutes(3)))
    struct BenchMethodsTests {
        private static let prompts = """
            {"category": "song", "turns": ["row row row your boat gently down the stream", "and again"]}
            {"category": "song", "turns": ["row row row your boat and the rest of the song of the boat"]}
            {"category": "tale", "turns": ["the end of the tale of the boat and the stream"]}
            {"category": "tale", "prompt": "once upon a time there was the end of the tale"}

            """

        private struct Report: Decodable, Equatable {
            struct Table: Decodable, Equatable {
                struct Row: Decodable, Equatable {
                    var method: String
                    var planner: String
                    var acceptance: String
                    var guarantee: String
                    var prompts: Int
                    var prompts_with_plain_text: Int
                    var completion_tokens: Int
                    var passes: Int
                    var num_draft_tokens: Int
                    var num_accepted_tokens: Int
                    var num_expected_tokens: Double
                    var acceptance_by_depth: [Double]
                    var speed_up: Double?
                }

                var sampling: String
                var category: String
                var methods: [Row]
            }

            var tables: [Table]
            var left_out: [String]
        }

        private struct Round: Decodable {
            struct Node: Decodable {
                var parent: Int?
                var token: UInt32
                var probability: Double
            }

            var prompt: Int
            var category: String
            var method: String
            var sampling: String
            var base: Int
            var tree: [Node]
            var accepted: [Int]
            var tokens: [UInt32]
            var expected: Double
        }

        private static func arguments(_ more: String...) throws -> [String] {
            let prompts = try TestFiles.file(Array(prompts.utf8), name: "prompts.jsonl")
            return [
                "bench", "methods", "-m", TestModels.tiny, "--prompts", prompts, "-n", "24", "--ignore-eos", "-t", "1",
            ] + more
        }

        private static let methods = [
            "-md", "ngram", "-md", "ngram:max=3+suffix", "-md", "\(TestModels.tinyDrafter)+recycling",
        ]
        private static let samplings = ["--sampling", "greedy", "--sampling", "temp=0.9,top-p=0.9,repeat-penalty=1.1"]

        private static func file(_ name: String) throws -> String {
            try TestFiles.directory(named: "methods").appending(path: name).path
        }

        @Test("a run that is cut off anywhere and resumed gives the figures of one that was not")
        func resumes() async throws {
            let whole = try Self.file("whole.jsonl")
            let line = try Self.arguments() + Self.methods + Self.samplings + ["--json", "--resume"]
            let expected = try await CommandResult.json(Report.self, of: line + [whole])
            #expect(expected.tables.map(\.category) == ["song", "tale", "all", "song", "tale", "all"])
            let records = try Data(contentsOf: URL(filePath: whole)).split(separator: UInt8(ascii: "\n"))
            // The settings, 8 texts and 24 cells.
            #expect(records.count == 33)
            for kept in [1, 4, 17, 32] {
                let torn = records[..<kept].joined(separator: Data("\n".utf8)) + Data("\n".utf8)
                let path = try TestFiles.file(torn + records[kept].prefix(20), name: "torn.jsonl")
                let resumed = try await CommandResult.json(Report.self, of: line + [path])
                #expect(resumed == expected, "after \(kept) lines")
                let lines = try Data(contentsOf: URL(filePath: path)).split(separator: UInt8(ascii: "\n"))
                #expect(lines.count == 33 && lines[..<kept] == records[..<kept])
            }
            let again = try await CommandResult.json(Report.self, of: line + [whole])
            #expect(again == expected)
            #expect(try Data(contentsOf: URL(filePath: whole)).split(separator: UInt8(ascii: "\n")) == records)
        }

        @Test("a file of other settings, or of another command, is refused in one sentence that names what differs")
        func refusesOthers() async throws {
            let path = try Self.file("figures.jsonl")
            let line = try Self.arguments("-md", "ngram", "--resume", path)
            #expect(try await CommandResult.of(line).status == 0)
            let before = try Data(contentsOf: URL(filePath: path))
            for (more, words) in [
                (["--nodes", "8"], "--nodes 16, and this run has --nodes 8"),
                (["--kv-type", "int8"], "--kv-type f16, and this run has --kv-type int8"),
                (["--limit", "1"], "prompts that hash to"), (["--live", "1"], "--live unset"),
            ] {
                let result = try await CommandResult.of(line + more)
                #expect(result.status != 0 && result.output.isEmpty)
                #expect(result.errors.contains("cannot be resumed") && result.errors.contains(words), "\(result)")
                #expect(result.errors.split(separator: "\n").count == 1)
            }
            #expect(try Data(contentsOf: URL(filePath: path)) == before)
            let other = try TestFiles.file(Array("precious words\n".utf8), name: "words.txt")
            let result = try await CommandResult.of(try Self.arguments("-md", "ngram", "--resume", other))
            #expect(result.status != 0 && result.errors.contains("line 1 was not written by this command"))
            #expect(try String(contentsOfFile: other, encoding: .utf8) == "precious words\n")
        }

        @Test("the trace has every round, and adds up to the table")
        func traces() async throws {
            let path = try Self.file("trace.jsonl")
            let plot = try Self.file("plot.svg")
            let line = try Self.arguments("--json", "--trace", path, "--plot", plot) + Self.methods + Self.samplings
            let report = try await CommandResult.json(Report.self, of: line)
            let rounds = try Data(contentsOf: URL(filePath: path)).split(separator: UInt8(ascii: "\n")).map {
                try JSONDecoder().decode(Round.self, from: $0)
            }
            for table in report.tables where table.category != "all" {
                for row in table.methods {
                    let own = rounds.filter {
                        $0.sampling == table.sampling && $0.category == table.category && $0.method == row.method
                    }
                    #expect(own.count == row.passes)
                    #expect(own.reduce(0) { $0 + $1.tree.count } == row.num_draft_tokens)
                    #expect(own.reduce(0) { $0 + $1.accepted.count } == row.num_accepted_tokens)
                    #expect(own.reduce(0) { $0 + $1.tokens.count } == row.completion_tokens)
                    #expect(row.completion_tokens == 48)
                    #expect(abs(own.reduce(0) { $0 + $1.expected } - row.num_expected_tokens) < 0.1)
                }
            }
            for round in rounds {
                #expect(round.accepted.map { round.tree[$0].token } == Array(round.tokens.prefix(round.accepted.count)))
            }
            #expect(rounds.contains { $0.tree.count > 1 && $0.accepted.count > 1 })
            let svg = try String(contentsOfFile: plot, encoding: .utf8)
            #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n") && svg.contains("tokens a pass"))
            for name in ["ngram", "song", "tale", "greedy"] { #expect(svg.contains(">\(name)<"), "\(name)") }
        }

        @Test("live runs count what replayed ones count, and have speed-ups besides")
        func live() async throws {
            let line = try Self.arguments("--json") + Self.methods
            let replayed = try await CommandResult.json(Report.self, of: line + ["--replay"])
            var live = try await CommandResult.json(Report.self, of: line + ["--live", "2"])
            for table in live.tables.indices {
                for row in live.tables[table].methods.indices {
                    let speedUp = live.tables[table].methods[row].speed_up
                    #expect(speedUp ?? 0 > 0)
                    live.tables[table].methods[row].speed_up = nil
                }
            }
            #expect(live == replayed)
        }

        @Test("formats and caches change the text, and every way of sampling has its tables")
        func variants() async throws {
            for more in [["--chat-format", "none"], ["--chat-format", "llama3"], ["--kv-type", "int8"]] {
                let result = try await CommandResult.of(try Self.arguments("-md", "suffix") + more)
                #expect(result.status == 0, "\(result.errors)")
                #expect(result.output.contains("song, greedy, 2 prompts\n"))
                #expect(result.output.contains("all, greedy, 4 prompts\n"))
            }
            let line = try Self.arguments("-md", "ngram", "--seed", "4", "--sampling", "temp=0.5") + Self.samplings
            let output = try await CommandResult.of(line).output
            #expect(output.contains("song, temp=0.5,seed=4, 2 prompts"))
            #expect(output.contains("tale, temp=0.9,top-p=0.9,repeat-penalty=1.1,seed=4, 2 prompts"))
        }

        @Test("--auto tries the methods for a time, and prints a command line with the fastest, or with none")
        func auto() async throws {
            let line = try Self.arguments("--auto", "1s", "-md", "ngram", "-md", "suffix+trie")
            let result = try await CommandResult.of(line)
            #expect(result.status == 0, "\(result.errors)")
            let command = try #require(result.output.split(separator: "\n").last)
            #expect(command.hasPrefix("paceline verifier -m \(TestModels.tiny)"))
            let drafters = command.split(separator: " ").dropFirst(4).dropLast(2).joined(separator: " ")
            #expect(["", "-md ngram", "-md suffix -md trie"].contains(drafters), "\(command)")
            #expect(result.output.contains("suffix+trie"))
        }

        private static let variantOptions = [
            "-md", "ngram", "-md", TestModels.tinyDrafter, "--planner",
            "best-first,chain:length=3,eagle-2:width=4,depth=3",
            "--acceptance", "sample-match,block,recursive", "--acceptance", "k-seq,typical",
            "--sampling", "temp=0.9,seed=3",
        ]

        @Test("planners and acceptance rules are compared in one run, and what cannot go together is named")
        func comparesVariants() async throws {
            let path = try Self.file("variants.jsonl")
            let trace = try Self.file("variants-trace.jsonl")
            let plot = try Self.file("variants.svg")
            let line = try Self.arguments("--json", "--resume", path) + Self.variantOptions
            let report = try await CommandResult.json(Report.self, of: line + ["--trace", trace, "--plot", plot])
            let rows = try #require(report.tables.last).methods
            func row(_ method: String, _ planner: String, _ rule: String) -> Report.Table.Row? {
                rows.first { $0.method == method && $0.planner == planner && $0.acceptance == rule }
            }
            let eagle = "eagle-2:width=4,depth=3"
            for planner in ["best-first", "chain:length=3", eagle] {
                let row = try #require(row("ngram", planner, "sample-match"))
                #expect(row.guarantee == "tokens" && row.prompts == 4 && row.prompts_with_plain_text == 4)
            }
            // Of two drafters, three planners and five rules: k-seq takes no look-ups, block no trees, and eagle-2
            // draws for no rule.
            #expect(rows.count == 30 - 3 - 1 - 3)
            #expect(row("ngram", "best-first", "k-seq") == nil && row(TestModels.tinyDrafter, eagle, "block") == nil)
            #expect(row("ngram", eagle, "recursive")?.guarantee == "law")
            let block = try #require(row(TestModels.tinyDrafter, "chain:length=3", "block"))
            #expect(block.guarantee == "law" && block.prompts_with_plain_text < 4)
            #expect(row(TestModels.tinyDrafter, "best-first", "typical")?.guarantee == "lossy")
            #expect(report.left_out.contains { $0.hasPrefix("k-seq is left out for ngram: ") })
            #expect(
                report.left_out.contains {
                    $0.hasPrefix("recursive is left out for \(TestModels.tinyDrafter): eagle-2")
                }
            )
            let resumed = try await CommandResult.json(Report.self, of: line)
            #expect(resumed == report)
            let rounds = try String(contentsOfFile: trace, encoding: .utf8)
            #expect(rounds.contains(#""acceptance":"block""#) && rounds.contains(#""planner":"chain:length=3""#))
            let svg = try String(contentsOfFile: plot, encoding: .utf8)
            for label in ["ngram", "ngram, \(eagle), recursive"] { #expect(svg.contains(">\(label)<"), "\(label)") }
        }

        @Test("a run with acceptance rules that is cut off and resumed gives the figures of one that was not")
        func resumesRules() async throws {
            let whole = try Self.file("rules.jsonl")
            let line = try Self.arguments(
                "--json",
                "-md",
                "\(TestModels.tinyDrafter)",
                "-md",
                "suffix",
                "--acceptance",
                "sample-match,leviathan,traversal",
                "--temp",
                "0.9",
                "--resume"
            )
            let expected = try await CommandResult.json(Report.self, of: line + [whole])
            let records = try Data(contentsOf: URL(filePath: whole)).split(separator: UInt8(ascii: "\n"))
            // The settings, 4 texts and 24 cells.
            #expect(records.count == 29)
            for kept in [5, 12, 20] {
                let torn = records[..<kept].joined(separator: Data("\n".utf8)) + Data("\n".utf8)
                let path = try TestFiles.file(torn, name: "torn-rules.jsonl")
                #expect(try await CommandResult.json(Report.self, of: line + [path]) == expected, "after \(kept) lines")
            }
        }

        @Test("the table marks rows of other texts and lossy rules, and says why methods are left out")
        func marks() async throws {
            let result = try await CommandResult.of(try Self.arguments() + Self.variantOptions)
            #expect(result.status == 0, "\(result.errors)")
            for words in [
                "acceptance", "planner", "block *", "typical (lossy) *", "chain:length=3", "* figures of other texts",
                "k-seq is left out for ngram: it needs several independent draws",
            ] { #expect(result.output.contains(words), "\(words): \(result.output)") }
            let plain = try await CommandResult.of(try Self.arguments("-md", "ngram"))
            #expect(!plain.output.contains("acceptance") && !plain.output.contains("planner"))
            #expect(!plain.output.contains("*"))
        }

        @Test("live runs of other texts have speed-ups too")
        func liveRules() async throws {
            let line = try Self.arguments("--json", "--live", "2", "-md", "ngram", "--temp", "0.9")
            let report = try await CommandResult.json(
                Report.self,
                of: line + ["--acceptance", "sample-match,recursive"]
            )
            for row in report.tables.flatMap(\.methods) { #expect(row.speed_up ?? 0 > 0, "\(row)") }
        }

        @Test("on smollm2 the rules accept drafts of its own trimmed head, and only sample-match keeps the text")
        func smollm2() async throws {
            let prompts = try TestFiles.file(Array(Self.prompts.utf8), name: "prompts.jsonl")
            let report = try await CommandResult.json(
                Report.self,
                of: [
                    "bench", "methods", "--json", "-m", TestModels.smollm2, "-md", TestModels.smollm2,
                    "--draft-vocab", "4096", "--prompts", prompts, "--category", "tale", "--limit", "1", "-n", "16",
                    "--ignore-eos", "-t", "2", "--nodes", "6", "--depth", "4", "--temp", "0.8",
                    "--acceptance", "sample-match,leviathan,recursive,block",
                ]
            )
            let rows = try #require(report.tables.first).methods
            #expect(rows.map(\.acceptance) == ["sample-match", "leviathan", "recursive", "block"])
            for row in rows {
                #expect(row.completion_tokens == 16 && row.num_accepted_tokens > 0 && row.passes < 16, "\(row)")
                #expect(row.prompts_with_plain_text == (row.acceptance == "sample-match" ? 1 : 0))
            }
        }

        @Test(
            "what cannot go together is refused in one sentence",
            arguments: [
                ["--replay", "--live", "2"], ["--auto", "5s", "--trace", "x"], ["-md", "ngram", "-md", "ngram"],
                ["-md", "ngram+"], ["-md", "plain"], ["--sampling", "temp=200"], ["--sampling", "heat=1"],
                ["--sampling", "greedy", "--sampling", "temp=0"], ["--chat-format", "morse"],
                ["--auto", "5s", "--sampling", "greedy", "--sampling", "temp=1"], ["--category", "verse"],
                ["--planner", "chain,chain"], ["--planner", "eagle-2,width=3,length=4"], ["--planner", "eagle-2,"],
                ["--acceptance", "block,block"], ["--acceptance", "blok"], ["--acceptance", "block,"],
                ["--auto", "5s", "--acceptance", "block"], ["-md", "ngram", "--acceptance", "k-seq"],
                ["-md", "ngram", "--acceptance", "block", "--planner", "tree"],
            ]
        )
        func refuses(more: [String]) async throws {
            let result = try await CommandResult.of(try Self.arguments() + more)
            #expect(result.status != 0 && result.output.isEmpty)
            #expect(result.errors.hasPrefix("paceline: "), "\(result)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(result)")
        }
    }

    @Suite("The time left")
    struct TimeLeftTests {
        @Test("the time left follows from the share that is done; before that nobody knows it")
        func text() {
            #expect(TimeLeft.text(0, elapsed: .seconds(9)).isEmpty)
            #expect(TimeLeft.text(0.5, elapsed: .seconds(30)) == "30 s left")
            #expect(TimeLeft.text(0.25, elapsed: .seconds(60)) == "3 min left")
            #expect(TimeLeft.text(0.01, elapsed: .seconds(600)) == "16.5 h left")
            #expect(TimeLeft.text(1, elapsed: .seconds(9)) == "0 s left")
        }
    }
}
