import ArgumentParser
import AsyncHTTPClient
import NIOPosix
import PacelineCluster
import PacelineServer

/// `paceline top`: a verifier or gateway in the terminal.
struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch a verifier or a gateway in the terminal.",
        discussion: """
            Shows tokens a second, requests, times, use of the KV cache, how many drafted tokens are accepted (in all, \
            by depth and by worker), and how long passes take by their rows. Figures are those of the last 10 seconds. \
            q or Ctrl-C quits. When the output is no terminal, each reading is one line. If the server has API keys, \
            workers and slots show only to those who name one.

              paceline top 127.0.0.1:8080
              paceline top 127.0.0.1:8080 --once --json
            """
    )

    @Argument(help: ArgumentHelp("HTTP address of a verifier or gateway.", valueName: "host:port"))
    var address: Endpoint

    @Option(help: ArgumentHelp("Time between readings, 100ms to 60s.", valueName: "duration"))
    var interval = DurationArgument(.seconds(1))

    @OptionGroup var apiKey: APIKeyOption

    @Flag(help: "Take two readings, print the figures and end.")
    var once = false

    @Flag(help: "Print JSON: one object with --once, otherwise one a line for each reading.")
    var json = false

    func validate() throws {
        try validateRange(interval, DurationArgument(.milliseconds(100))...DurationArgument(.seconds(60)), "--interval")
    }

    func run() async throws {
        try await Termination.run(isService: false) {
            try await HTTPClient.withHTTPClient(
                eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                configuration: TopClient.configuration
            ) { http in
                try await watch(TopClient(address, key: apiKey.key, http: http))
            }
        }
    }

    private func watch(_ client: TopClient) async throws {
        var history = TopHistory()
        // An address that does not answer at all is a mistake, and not something to watch.
        history.add(try await client.reading())
        if once {
            try await Task.sleep(for: interval.duration)
            history.add(try await client.reading())
            try write(history, isWhole: true)
        } else if !json, let terminal = TopTerminal() {
            try await show(history, client, on: terminal)
        } else {
            while true {
                try await Task.sleep(for: interval.duration)
                history.add(try await client.reading())
                try write(history, isWhole: false)
            }
        }
    }

    private func write(_ history: TopHistory, isWhole: Bool) throws {
        if json {
            if let figures = TopFigures(history) { try StandardOutput.json(figures) }
            return
        }
        let screen = TopScreen(history, address: "\(address)")
        guard isWhole else { return try StandardOutput.write(screen.line + "\n") }
        let width = StandardOutput.isTerminal ? TopTerminal.size.width : 100
        try StandardOutput.write(screen.lines(width: width, height: 10_000).map { $0 + "\n" }.joined())
    }

    private enum News: Sendable {
        case reading(TopReading)
        case fault(String)
        /// Time to look for keys and a new size.
        case look
    }

    /// Draws whenever there is a reading or another size, until a key ends it.
    private func show(_ first: TopHistory, _ client: TopClient, on terminal: borrowing TopTerminal) async throws {
        var history = first
        var fault: String?
        var size = TopTerminal.size
        terminal.draw(TopScreen(history, address: "\(address)").lines(width: size.width, height: size.height))
        await withTaskGroup(of: News.self) { group in
            group.addTask { await reading(client) }
            group.addTask { await look() }
            while let news = await group.next(), !Task.isCancelled {
                var isNew = true
                switch news {
                case .reading(let reading):
                    history.add(reading)
                    fault = nil
                    group.addTask { await self.reading(client) }
                case .fault(let sentence):
                    fault = sentence
                    group.addTask { await self.reading(client) }
                case .look:
                    if terminal.isEndAsked() { return group.cancelAll() }
                    isNew = size != TopTerminal.size
                    size = TopTerminal.size
                    group.addTask { await look() }
                }
                guard isNew else { continue }
                let screen = TopScreen(history, address: "\(address)", fault: fault)
                terminal.draw(screen.lines(width: size.width, height: size.height))
            }
            group.cancelAll()
        }
    }

    private func reading(_ client: TopClient) async -> News {
        do {
            try await Task.sleep(for: interval.duration)
            return .reading(try await client.reading())
        } catch {
            return .fault("\(error)")
        }
    }

    private func look() async -> News {
        try? await Task.sleep(for: .milliseconds(50))
        return .look
    }
}
