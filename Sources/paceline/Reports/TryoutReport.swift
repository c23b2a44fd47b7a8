import PacelineSpeculation

/// What `bench methods --auto` prints.
struct TryoutReport: Encodable {
    struct Row: Encodable {
        var method: String
        var prompts: Int
        /// The geometric mean over its prompts; nil if it did not run.
        var speedUp: Double?
        /// Whether it was tried until the end.
        var isInRace: Bool

        enum CodingKeys: String, CodingKey {
            case method, prompts
            case speedUp = "speed_up"
            case isInRace = "tried_to_the_end"
        }
    }

    var model: String
    var sampling: String
    var methods: [Row]
    /// The command line to use.
    var command: String

    /// - Parameter options: that the command line takes over, as in `["--kv-type", "int8"]`.
    init(model: String, sampling: String, names: [String], search: MethodSearch, options: [String]) {
        self.model = model
        self.sampling = sampling
        methods = search.standings.map { standing in
            Row(
                method: names[standing.method],
                prompts: standing.prompts,
                speedUp: standing.speedUp,
                isInRace: standing.isInRace
            )
        }
        let drafters = search.best.map { names[$0].split(separator: "+").flatMap { ["-md", String($0)] } } ?? []
        command = (["paceline", "verifier", "-m", model] + drafters + options).map(Self.quoted).joined(separator: " ")
    }

    var text: String {
        var table = TextTable(header: ["method", "speed-up", "prompts"], rightAligned: [1, 2])
        for row in methods {
            let speedUp = row.speedUp.map { $0.formatted(decimals: 2) } ?? ""
            table.append([row.method, speedUp, "\(row.prompts)", row.isInRace ? "" : "left the race"])
        }
        return "\(model), \(sampling): speed over plain decoding beside it\n\(table.text)\n\(command)\n"
    }

    /// A word for a shell.
    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "-_./:=,@%".utf8.contains(byte)
        }
        return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }
}
