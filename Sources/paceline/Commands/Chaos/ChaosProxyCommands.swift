import ArgumentParser
import NIOHTTP1
import PacelineChaos

/// `paceline chaos create`.
struct ChaosCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a proxy at a running chaos server.",
        discussion: "  paceline chaos create --listen 127.0.0.1:26379 --upstream 127.0.0.1:6379 redis",
        aliases: ["c", "new"]
    )

    @Option(name: .shortAndLong, help: ArgumentHelp("Where clients connect; port 0 picks one.", valueName: "host:port"))
    var listen: String

    @Option(name: .shortAndLong, help: ArgumentHelp("Where connections are passed on to.", valueName: "host:port"))
    var upstream: String

    @Argument(help: ArgumentHelp("The proxy's name.", valueName: "proxy"))
    var name: String

    @OptionGroup var server: ChaosServerOptions

    func run() async throws {
        let body = ["name": name, "listen": listen, "upstream": upstream]
        let proxy: ProxyBody = try await server.client.ask(.POST, ["proxies"], body)
        try server.tell(proxy, "Created new proxy \(proxy.name), which listens on \(proxy.listen)")
    }
}

/// `paceline chaos list`.
struct ChaosListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the proxies of a chaos server.",
        aliases: ["l", "li", "ls"]
    )

    @OptionGroup var server: ChaosServerOptions

    func run() async throws {
        let proxies = try await server.client.proxies()
        try server.tell(proxies, ChaosTables.proxies(proxies))
    }
}

/// `paceline chaos inspect`.
struct ChaosInspectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show a proxy and its toxics.",
        aliases: ["i", "ins"]
    )

    @Argument(help: ArgumentHelp("The proxy's name.", valueName: "proxy"))
    var name: String

    @OptionGroup var server: ChaosServerOptions

    func run() async throws {
        let proxy = try await server.client.proxy(name)
        try server.tell(proxy, ChaosTables.proxies([proxy]) + "\n\n" + ChaosTables.toxics(proxy.toxics))
    }
}

/// `paceline chaos toggle`.
struct ChaosToggleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "toggle",
        abstract: "Disable a proxy, which closes its connections and its port, or enable it again.",
        aliases: ["tog"]
    )

    @Argument(help: ArgumentHelp("The proxy's name.", valueName: "proxy"))
    var name: String

    @OptionGroup var server: ChaosServerOptions

    func run() async throws {
        let isEnabled = try await server.client.proxy(name).enabled
        // Toxiproxy before 2.6 knows POST only.
        let proxy: ProxyBody = try await server.client.ask(.POST, ["proxies", name], ["enabled": !isEnabled])
        try server.tell(proxy, "Proxy \(proxy.name) is now \(proxy.enabled ? "enabled" : "disabled")")
    }
}

/// `paceline chaos delete`.
struct ChaosDeleteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a proxy, which closes its connections.",
        aliases: ["d"]
    )

    @Argument(help: ArgumentHelp("The proxy's name.", valueName: "proxy"))
    var name: String

    @OptionGroup var server: ChaosServerOptions

    func run() async throws {
        try await server.client.tell(.DELETE, ["proxies", name])
        try server.tell(["deleted": name], "Deleted proxy \(name)")
    }
}

/// `paceline chaos reset`.
struct ChaosResetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Enable every proxy and remove all toxics."
    )

    @OptionGroup var server: ChaosServerOptions

    func run() async throws {
        try await server.client.tell(.POST, ["reset"])
        try server.tell(["reset": true], "All proxies are enabled and have no toxics")
    }
}

/// `paceline chaos populate`.
struct ChaosPopulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "populate",
        abstract: "Create the proxies of a file, or replace those whose addresses differ.",
        discussion: """
            The file has a JSON array. With paceline chaos serve, a proxy may have its toxics in it:

              [{"name": "redis", "listen": "127.0.0.1:26379", "upstream": "127.0.0.1:6379",
                "toxics": [{"type": "latency", "attributes": {"latency": 100}}]}]
            """
    )

    @Argument(help: ArgumentHelp("The JSON file.", valueName: "file"))
    var file: String

    @OptionGroup var server: ChaosServerOptions

    func run() async throws {
        struct Answer: Codable {
            var proxies: [ProxyBody]
        }
        let answer: Answer = try await server.client.post(Array(PromptFile.text(at: file).utf8), ["populate"])
        try server.tell(answer, ChaosTables.proxies(answer.proxies))
    }
}

/// Proxies and toxics for people.
enum ChaosTables {
    static func proxies(_ proxies: [ProxyBody]) -> String {
        guard !proxies.isEmpty else { return "there are no proxies; paceline chaos create makes one" }
        var table = TextTable(header: ["name", "listen", "upstream", "state", "toxics"])
        for proxy in proxies {
            let toxics = proxy.toxics.map(\.name).joined(separator: ", ")
            table.append(
                [proxy.name, proxy.listen, proxy.upstream, proxy.enabled ? "enabled" : "disabled"]
                    + [toxics.isEmpty ? "none" : toxics]
            )
        }
        return String(table.text.dropLast())
    }

    static func toxics(_ toxics: [ToxicBody]) -> String {
        guard !toxics.isEmpty else { return "the proxy has no toxics; paceline chaos toxic add makes one" }
        var table = TextTable(header: ["toxic", "type", "stream", "toxicity", "attributes"])
        for toxic in toxics {
            var words = toxic.attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\(number($0.value))" }
            if let after = toxic.afterBytes { words.append("after_bytes=\(after)") }
            if let after = toxic.afterFrames { words.append("after_frames=\(after)") }
            if let match = toxic.match { words.append("match=\(match)") }
            if let count = toxic.count { words.append("count=\(count)") }
            if let duration = toxic.duration { words.append("duration=\(number(duration))") }
            table.append([toxic.name, toxic.type, toxic.stream, number(toxic.toxicity), words.joined(separator: " ")])
        }
        return String(table.text.dropLast())
    }

    private static func number(_ value: Double) -> String {
        Int(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
