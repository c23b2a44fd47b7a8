import PacelineCluster
import PacelineSpeculation

/// What `bench methods --auto` prints.
struct TryoutReport: Encodable {
    struct Row: Encodable {
        var method: String
        var planner: String
        var prompts: Int
        /// The geometric mean over its prompts; nil if it did not run.
        var speedUp: Double?
        /// Whether it was tried until the end.
        var isInRace: Bool

        enum CodingKeys: String, CodingKey {
            case method, planner, prompts
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
    init(model: String, sampling: String, tried: [Laboratory.Method], search: MethodSearch, options: [String]) {
        self.model = model
        self.sampling = sampling
        methods = search.standings.map { standing in
            Row(
                method: tried[standing.method].name,
                planner: tried[standing.method].plannerName,
                prompts: standing.prompts,
                speedUp: standing.speedUp,
                isInRace: standing.isInRace
            )
        }
        let best = search.best.map { tried[$0] }
        let drafters = best?.name.split(separator: "+").flatMap { ["-md", String($0)] } ?? []
        let planner = best?.planner.map { ["--planner", "\($0)"] } ?? []
        command = (["paceline", "verifier", "-m", model] + drafters + planner + options).map(Self.quoted).joined(
            separator: " "
        )
    }

    var text: String {
        let hasPlanners = methods.contains { $0.planner != methods[0].planner }
        let columns = hasPlanners ? 2 : 1
        let header = ["method"] + (hasPlanners ? ["planner"] : []) + ["speed-up", "prompts"]
        var table = TextTable(header: header, rightAligned: [columns, columns + 1])
        for row in methods {
            let speedUp = row.speedUp.map { $0.formatted(decimals: 2) } ?? ""
            let names = [row.method] + (hasPlanners ? [row.planner] : [])
            table.append(names + [speedUp, "\(row.prompts)", row.isInRace ? "" : "left the race"])
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
