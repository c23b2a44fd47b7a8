import ArgumentParser
import NIOHTTP1
import PacelineChaos
import PacelineSpeculation

/// `paceline chaos toxic`: the faults of a proxy.
struct ChaosToxicCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "toxic",
        abstract: "Add, change and remove the faults of a proxy.",
        discussion: """
              paceline chaos toxic add --type latency --attribute latency=100 redis
              paceline chaos toxic update --toxicName latency_downstream --attribute latency=500 redis
              paceline chaos toxic remove --toxicName latency_downstream redis

            The types and their attributes:

            \(ToxicTypes.text)
            """,
        subcommands: [ChaosToxicAddCommand.self, ChaosToxicUpdateCommand.self, ChaosToxicRemoveCommand.self],
        aliases: ["t"]
    )
}

/// The table of types in help texts.
private enum ToxicTypes {
    static var text: String {
        ToxicType.allCases.map { type in
            let attributes = type.attributes.map { attribute in
                "\n      \(attribute.name): \(attribute.meaning)"
                    + (attribute.unit.isEmpty ? "" : " (\(attribute.unit))")
            }
            return "  \(type.rawValue): \(type.summary)" + attributes.joined()
        }
        .joined(separator: "\n")
    }
}

/// A setting on the command line: `latency=100`.
struct ToxicSetting: ExpressibleByArgument {
    let name: String
    let value: Double

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let value = Double(parts[1]), value.isFinite else { return nil }
        (name, self.value) = (String(parts[0]), value)
    }

    static func values(_ settings: [ToxicSetting]) -> [String: Double] {
        Dictionary(settings.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
    }
}

/// `paceline chaos toxic add`.
struct ChaosToxicAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a fault to a proxy; it acts on open connections too.",
        discussion: """
            paceline chaos toxic --help lists the types and their attributes. --after-bytes, --after-frames, \
            --match, --count and --for need paceline chaos serve; Toxiproxy ignores them.
            """,
        aliases: ["a"]
    )

    private struct Body: Encodable {
        var name: String?
        var type: String
        var stream: String
        var toxicity: Double
        var attributes: [String: Double]
        var afterBytes: UInt64?
        var duration: Double?
        var afterFrames: UInt64?
        var match: String?
        var count: UInt64?

        enum CodingKeys: String, CodingKey {
            case name, type, stream, toxicity, attributes, duration, match, count
            case afterBytes = "after_bytes"
            case afterFrames = "after_frames"
        }
    }

    @Option(name: .shortAndLong, help: ArgumentHelp("What happens.", valueName: "type"))
    var type: String

    @Option(
        name: [.customShort("n"), .customLong("toxicName"), .customLong("toxic-name")],
        help: ArgumentHelp("Name of the toxic (default: TYPE_STREAM).", valueName: "name")
    )
    var toxicName: String?

    @Option(
        name: [.long, .customLong("tox")],
        help: ArgumentHelp("Share of the connections that it acts on, 0 to 1.", valueName: "share")
    )
    var toxicity = 1.0

    @Option(name: .shortAndLong, help: ArgumentHelp("A setting; may be repeated.", valueName: "name=value"))
    var attribute: [ToxicSetting] = []

    @Flag(name: .shortAndLong, help: "Act on bytes to the upstream.")
    var upstream = false

    @Flag(name: .shortAndLong, help: "Act on bytes from the upstream, which is the default.")
    var downstream = false

    @Option(help: ArgumentHelp("Begin after this many bytes of the direction.", valueName: "bytes"))
    var afterBytes: UInt64?

    @Option(help: ArgumentHelp("For toxics on frames: act after this many frames.", valueName: "frames"))
    var afterFrames: UInt64?

    @Option(
        help: ArgumentHelp(
            "For toxics on frames: act on messages of this type only, such as tree.",
            valueName: "message"
        )
    )
    var match: String?

    @Option(
        help: ArgumentHelp(
            "For toxics on frames, and corrupt, truncate and duplicate: strike a connection so often.",
            valueName: "faults"
        )
    )
    var count: UInt64?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("Act on a connection for this long, such as 2s (default: for ever).", valueName: "duration")
    )
    var duration: DurationArgument?

    @Argument(help: ArgumentHelp("The proxy's name.", valueName: "proxy"))
    var proxy: String

    @OptionGroup var server: ChaosServerOptions

    func validate() throws {
        guard !(upstream && downstream) else {
            throw ValidationError("--upstream and --downstream exclude each other; add one toxic for each")
        }
        try validateRange(toxicity, 0...1, "--toxicity")
    }

    func run() async throws {
        let body = Body(
            name: toxicName,
            type: type,
            stream: upstream ? "upstream" : "downstream",
            toxicity: toxicity,
            attributes: ToxicSetting.values(attribute),
            afterBytes: afterBytes,
            duration: duration?.duration.inMilliseconds,
            afterFrames: afterFrames,
            match: match,
            count: count
        )
        let toxic: ToxicBody = try await server.client.ask(.POST, ["proxies", proxy, "toxics"], body)
        try server.tell(toxic, "Added \(toxic.stream) \(toxic.type) toxic '\(toxic.name)' on proxy '\(proxy)'")
    }
}

/// `paceline chaos toxic update`.
struct ChaosToxicUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change settings of a fault; those that are not named stay.",
        aliases: ["u"]
    )

    private struct Body: Encodable {
        var toxicity: Double?
        var attributes: [String: Double]
    }

    @Option(
        name: [.customShort("n"), .customLong("toxicName"), .customLong("toxic-name")],
        help: ArgumentHelp("Name of the toxic.", valueName: "name")
    )
    var toxicName: String

    @Option(
        name: [.long, .customLong("tox")],
        help: ArgumentHelp("Share of the connections that it acts on, 0 to 1.", valueName: "share")
    )
    var toxicity: Double?

    @Option(name: .shortAndLong, help: ArgumentHelp("A setting; may be repeated.", valueName: "name=value"))
    var attribute: [ToxicSetting] = []

    @Argument(help: ArgumentHelp("The proxy's name.", valueName: "proxy"))
    var proxy: String

    @OptionGroup var server: ChaosServerOptions

    func validate() throws {
        if let toxicity { try validateRange(toxicity, 0...1, "--toxicity") }
    }

    func run() async throws {
        let body = Body(toxicity: toxicity, attributes: ToxicSetting.values(attribute))
        // Toxiproxy before 2.6 knows POST only.
        let toxic: ToxicBody = try await server.client.ask(.POST, ["proxies", proxy, "toxics", toxicName], body)
        try server.tell(toxic, "Updated toxic '\(toxic.name)' on proxy '\(proxy)'")
    }
}

/// `paceline chaos toxic remove`.
struct ChaosToxicRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Remove a fault; what it held goes on at once.",
        aliases: ["r", "delete", "d"]
    )

    @Option(
        name: [.customShort("n"), .customLong("toxicName"), .customLong("toxic-name")],
        help: ArgumentHelp("Name of the toxic.", valueName: "name")
    )
    var toxicName: String

    @Argument(help: ArgumentHelp("The proxy's name.", valueName: "proxy"))
    var proxy: String

    @OptionGroup var server: ChaosServerOptions

    func run() async throws {
        try await server.client.tell(.DELETE, ["proxies", proxy, "toxics", toxicName])
        try server.tell(["removed": toxicName], "Removed toxic '\(toxicName)' on proxy '\(proxy)'")
    }
}
