import ArgumentParser
import Testing

@testable import paceline

/// Every flag with a number accepts its limits and refuses everything else in one sentence, before anything runs.
@Suite("Numeric flags")
struct FlagTests {
    /// A flag, with values that it accepts and values that it refuses, as written on the command line.
    struct Flag: Sendable, CustomTestStringConvertible {
        let command: String
        let name: String
        let taken: [String]
        let refused: [String]
        /// The flag's argument; "@" stands for the number.
        var form = "@"

        var testDescription: String { "\(command) \(name) \(form)" }

        /// Whole numbers in a range.
        init(_ command: String, _ name: String, _ range: ClosedRange<Int>, form: String = "@") {
            self.init(
                command,
                name,
                taken: ["\(range.lowerBound)", "\(range.upperBound)"],
                refused: ["\(range.lowerBound - 1)", "\(range.upperBound + 1)", "1.5"],
                form: form
            )
        }

        init(_ command: String, _ name: String, taken: [String], refused: [String], form: String = "@") {
            (self.command, self.name, self.taken, self.form) = (command, name, taken, form)
            self.refused = refused + Self.numbersOfNobody
        }

        /// Values that no flag accepts.
        private static let numbersOfNobody = [
            "-9223372036854775808", "18446744073709551616", "1e999", "nan", "-inf", "", "1,", "٣",
        ]
    }

    /// Command lines that are complete except for the flag under test.
    private static let commands: [String: (command: any ParsableCommand.Type, line: [String])] = [
        "inspect": (InspectCommand.self, ["x.gguf"]),
        "score": (ScoreCommand.self, ["-m", "x.gguf", "-p", "x"]),
        "score tokens": (ScoreCommand.self, ["-m", "x.gguf"]),
        "tokenize": (TokenizeCommand.self, ["-m", "x.gguf"]),
        "generate": (GenerateCommand.self, ["-m", "x.gguf", "-p", "x"]),
        "generate tokens": (GenerateCommand.self, ["-m", "x.gguf"]),
        "verifier": (VerifierCommand.self, ["-m", "x.gguf"]),
        "worker": (WorkerCommand.self, ["-md", "ngram", "--connect", "127.0.0.1:1"]),
        "worker address": (WorkerCommand.self, ["-md", "ngram"]),
        "gateway": (GatewayCommand.self, ["--verifier=127.0.0.1:1"]),
        "gateway address": (GatewayCommand.self, []),
        "bench engine": (BenchEngineCommand.self, ["-m", "x.gguf"]),
        "bench cluster": (BenchClusterCommand.self, []),
        "bench methods": (BenchMethodsCommand.self, ["-m", "x.gguf", "--prompts", "x.jsonl"]),
        "bench serve": (BenchServeCommand.self, ["--rate", "1"]),
        "bench serve pace": (BenchServeCommand.self, []),
        "capture": (CaptureCommand.self, ["-m", "x.gguf", "-o", "x.capture"]),
        "train eagle": (TrainEagleCommand.self, ["-m", "x.gguf", "--data", "x.capture", "-o", "head.gguf"]),
        "train medusa": (TrainMedusaCommand.self, ["-m", "x.gguf", "--data", "x.capture", "-o", "head.gguf"]),
        "train hydra": (TrainHydraCommand.self, ["-m", "x.gguf", "--data", "x.capture", "-o", "head.gguf"]),
        "top": (TopCommand.self, ["127.0.0.1:1"]),
        "simulate": (SimulateCommand.self, ["--seeds", "1"]),
        "simulate seeds": (SimulateCommand.self, []),
        "relay": (ChaosRelayCommand.self, ["--listen", "127.0.0.1:0", "--connect", "127.0.0.1:1"]),
        "relay address": (ChaosRelayCommand.self, ["--listen", "127.0.0.1:0"]),
    ]

    private static let tokens = (taken: ["0", "4294967295"], refused: ["-1", "4294967296", "9223372036854775807"])
    private static let seeds = (taken: ["0", "18446744073709551615"], refused: ["-1", "1.5"])
    private static let counts = (taken: ["1", "9223372036854775807"], refused: ["0", "-1", "9223372036854775808"])

    private static let flags: [Flag] =
        ["inspect", "verifier"].flatMap { [Flag($0, "-np", 1...256), Flag($0, "-c", 1...1 << 24)] }
        + ["score", "generate", "verifier", "worker", "bench engine", "bench methods", "capture", "train eagle"].map {
            Flag($0, "-t", 1...256)
        }
        + ["generate", "worker", "bench methods"].map {
            Flag($0, "--draft-vocab", taken: counts.taken, refused: counts.refused)
        }
        + [
            Flag("score", "--top", 1...1000),
            Flag("score", "--positions", taken: ["0", "9223372036854775807", "0,last"], refused: ["-1", "1.5"]),
            Flag("score tokens", "--tokens", taken: tokens.taken, refused: tokens.refused),
            Flag("score tokens", "--tokens", taken: tokens.taken, refused: tokens.refused, form: "1,@"),
            Flag("tokenize", "--tokens", taken: tokens.taken, refused: tokens.refused),
            Flag("generate tokens", "--prompt-tokens", taken: tokens.taken, refused: tokens.refused),
            Flag("generate", "-c", 1...1 << 24), Flag("generate", "-n", 1...1 << 24), Flag("generate", "-td", 1...256),
            Flag("generate", "--workers", 0...16), Flag("worker", "--slots", 1...256),
            Flag("verifier", "--slots", 1...256), Flag("verifier", "--queue-limit", 0...1_048_576),
            Flag("verifier", "--queue-limit-per-key", 0...1_048_576),
            Flag("worker address", "--connect", 1...65535, form: "127.0.0.1:@"),
            Flag("relay address", "--connect", 1...65535, form: "127.0.0.1:@"),
            Flag("gateway", "--max-concurrent-requests", 1...65_536),
            Flag("gateway address", "--verifier", 1...65535, form: "127.0.0.1:@"),
            Flag("verifier", "--listen", 0...65535, form: "127.0.0.1:@"),
            Flag("verifier", "--http", 0...65535, form: "[::1]:@"),
            Flag("bench engine", "--prefill", 1...4096), Flag("bench engine", "--repeats", 1...100),
            Flag("bench engine", "--nodes", 1...65_536), Flag("bench engine", "--contexts", 1...65_536, form: "8,@"),
            Flag("bench cluster", "--workers", 0...256), Flag("bench cluster", "--sequences", 1...256),
            Flag("bench cluster", "--jobs", 1...256), Flag("simulate", "--jobs", 1...256),
            Flag("bench methods", "--limit", 1...10_000), Flag("bench methods", "-n", 1...65_536),
            Flag("bench methods", "--nodes", 1...512), Flag("bench methods", "--depth", 1...32),
            Flag("bench methods", "--width", 1...64), Flag("bench methods", "--live", 1...100),
            Flag("bench methods", "--auto", taken: ["1", "86400"], refused: ["0", "-1", "0.9", "86401"], form: "@s"),
            Flag("relay", "--buffer", 1448...1 << 30),
            Flag("capture", "-n", 1...65_536), Flag("capture", "--tokens", 1...1 << 40),
            Flag("capture", "--sequences", 1...64), Flag("capture", "-c", 2...1 << 20),
            Flag("capture", "--taps", taken: ["0", "65535", "last", "1,normed"], refused: ["-1", "65536", "1,1"]),
            Flag("capture", "--seed", taken: seeds.taken, refused: seeds.refused),
            Flag("train eagle", "--seed", taken: seeds.taken, refused: seeds.refused),
            Flag("train eagle", "--draft-vocab", 16...1_000_000), Flag("train eagle", "--hidden", 16...65_536),
            Flag("train eagle", "--batch-tokens", 64...1_000_000), Flag("train eagle", "--self-feeding", 1...8),
            Flag("train eagle", "--patience", 1...1000),
            Flag("train eagle", "--epochs", taken: ["0.5", "1000"], refused: ["0", "-1", "1001", "nan"]),
            Flag("train eagle", "--max-minutes", taken: ["0.1", "600"], refused: ["0", "-1", "nan"]),
            Flag("train eagle", "--learning-rate", taken: ["0.0005", "1"], refused: ["0", "-1", "1.1", "nan"]),
            Flag("train medusa", "--heads", 1...8), Flag("train hydra", "--heads", 1...8),
            Flag("train medusa", "--blocks", 1...8), Flag("train medusa", "--patience", 1...1000),
        ] + fractions + samplingFlags + times + loadFlags

    private static let fractions = [
        Flag("bench cluster", "--acceptance", taken: ["0", "1"], refused: ["-0.1", "1.1", "1e308"]),
        Flag("bench cluster", "--rtt", taken: ["0", "10000"], refused: ["-1", "10001", "1e308"]),
        Flag("bench cluster", "--step", taken: ["0.01", "10000"], refused: ["0", "-1", "10001", "1e308", "1e-320"]),
        Flag("bench cluster", "--seconds", taken: ["0.1", "600"], refused: ["0", "-1", "601", "1e308"]),
        Flag("simulate", "--check-determinism", taken: ["0", "1"], refused: ["-0.1", "1.1", "1e308"]),
        Flag("simulate seeds", "--seeds", taken: seeds.taken, refused: seeds.refused),
        Flag("simulate seeds", "--seeds", taken: ["0", "9"], refused: ["10"] + seeds.refused, form: "@..9"),
    ]

    private static let samplingFlags = [
        Flag("generate", "--temp", taken: ["0", "0.001", "100"], refused: ["-1", "1e-4", "101", "1e308"]),
        Flag("generate", "--top-k", taken: ["0", "2147483647"], refused: ["-1", "2147483648", "1.5"]),
        Flag("generate", "--top-p", taken: ["1e-30", "1"], refused: ["0", "-1", "1.1", "1e308"]),
        Flag("generate", "--min-p", taken: ["0", "1"], refused: ["-0.1", "1.1", "1e308"]),
        Flag("generate", "--repeat-penalty", taken: ["0.01", "100"], refused: ["0", "-1", "101", "1e308"]),
        Flag("generate", "--frequency-penalty", taken: ["-2", "2"], refused: ["-2.1", "2.1", "1e308"]),
        Flag("generate", "--presence-penalty", taken: ["-2", "2"], refused: ["-2.1", "2.1", "1e308"]),
        Flag("generate", "--repeat-last-n", taken: ["-1", "2147483647"], refused: ["-2", "2147483648", "1.5"]),
        Flag("generate", "--logit-bias", taken: ["-100", "100"], refused: ["-101", "101", "1e308"], form: "1=@"),
        Flag("generate", "--logit-bias", taken: tokens.taken, refused: tokens.refused, form: "@=1"),
        Flag("generate", "--seed", taken: seeds.taken, refused: seeds.refused),
        Flag("bench methods", "--sampling", taken: ["0", "100"], refused: ["-1", "101", "1e308"], form: "temp=@"),
        Flag("bench methods", "--temp", taken: ["0", "100"], refused: ["-1", "101", "1e308"]),
        Flag("bench methods", "--seed", taken: seeds.taken, refused: seeds.refused),
        Flag("relay", "--seed", taken: seeds.taken, refused: seeds.refused),
    ]

    private static let loadFlags = [
        Flag("bench serve pace", "--rate", taken: ["0.001", "100000"], refused: ["0", "-1", "100001", "1e308"]),
        Flag("bench serve pace", "--concurrency", 1...10_000),
        Flag("bench serve", "--max-concurrency", 1...65_000),
        Flag("bench serve", "--requests", 1...10_000_000),
        Flag("bench serve", "--turns", 1...100),
        Flag("bench serve", "--prompt-tokens", 1...1_000_000),
        Flag("bench serve", "-n", 1...1_000_000),
        Flag("bench serve", "--temp", taken: ["0", "100"], refused: ["-1", "101", "1e308"]),
        Flag("bench serve", "--seed", taken: seeds.taken, refused: seeds.refused),
        Flag("bench serve", "--goodput", taken: ["1", "86400000"], refused: ["0", "-1", "86400001"], form: "ttft:@"),
        Flag("bench serve", "--goodput", taken: ["1e-3", "60"], refused: ["0", "86401"], form: "itl:5ms,e2e:@s"),
        Flag("bench serve", "--duration", taken: ["100", "86400000"], refused: ["99", "86400001"], form: "@ms"),
        Flag("bench serve", "--warmup", taken: ["0", "3600"], refused: ["-1", "3601", "1e308"], form: "@s"),
        Flag("bench serve", "--timeout", taken: ["1", "3600000"], refused: ["0", "3600001"], form: "@ms"),
        Flag("top", "--interval", taken: ["100", "60000"], refused: ["99", "60001", "1e308"], form: "@ms"),
    ]

    private static let times =
        ["--draft-wait", "--draft-delay", "--prefill-delay"].map {
            Flag("verifier", $0, taken: ["0", "10"], refused: ["-1", "10.1", "1e308"], form: "@s")
        }
        + [
            Flag("verifier", "--grace", taken: ["0", "3600000"], refused: ["-1", "3600001", "1e308"], form: "@ms"),
            Flag("verifier", "--grace", taken: ["0"], refused: ["1", "-1", "1e308"]),
            Flag("verifier", "--drain-delay", taken: ["0", "3600"], refused: ["-1", "3601", "1e308"], form: "@s"),
            Flag(
                "relay",
                "--delay",
                taken: ["0", "60000000", "1e-320"],
                refused: ["-1", "60000001", "1e308"],
                form: "@us"
            ),
            Flag("relay", "--jitter", taken: ["0"], refused: ["1", "-1", "1e308"], form: "@ms"),
            Flag(
                "relay",
                "--bandwidth",
                taken: ["8", "1e12"],
                refused: ["0", "-1", "7", "2e12", "1e308"],
                form: "@bit"
            ),
            Flag("relay", "--bandwidth", taken: ["1e-6", "1000"], refused: ["0", "1001", "1e308"], form: "@Gbit"),
        ]

    @Test(
        "A simulation of fleets refuses what it would not heed, and names it",
        arguments: ["--workers 2", "--sequences 4", "--modes stop-and-wait", "--jobs 1", "--jobs 1 --workers 2"]
    )
    func fleets(words: String) throws {
        let line = ["--fleets", "1:4:8", "--seconds", "1"]
        #expect(throws: Never.self) { try BenchClusterCommand.parse(line) }
        let words = words.split(separator: " ").map(String.init)
        #expect(throws: Never.self) { try BenchClusterCommand.parse(words) }
        let error = try #require(throws: (any Error).self) { try BenchClusterCommand.parse(line + words) }
        let message = BenchClusterCommand.message(for: error)
        for word in words where word.hasPrefix("--") { #expect(message.contains(word), "\(message)") }
        #expect(!message.contains("\n") && BenchClusterCommand.exitCode(for: error) == .validationFailure)
    }

    @Test("A flag accepts its limits, and refuses numbers beyond them and anything else", arguments: flags)
    func limits(flag: Flag) throws {
        let (command, line) = try #require(Self.commands[flag.command])
        let parse = { (number: String) in
            try command.parse(line + [flag.name, flag.form.replacing("@", with: number)])
        }
        for number in flag.taken {
            #expect(throws: Never.self, "\(flag.name) \(number)") { try parse(number) }
        }
        for number in flag.refused {
            let error = #expect(throws: (any Error).self, "\(flag.name) \(number)") { try parse(number) }
            guard let error else { continue }
            #expect(command.exitCode(for: error) == .validationFailure)
        }
    }
}
