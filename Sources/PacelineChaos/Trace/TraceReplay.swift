/// Repeats the changes of a recorded run, when the proxies' clients have come as far as they had then.
package struct TraceReplay: Sendable {
    /// How often it looks whether a client has connected.
    private static let patience = Duration.milliseconds(5)

    private let run: RecordedRun
    private let registry: ProxyRegistry

    package init(_ run: RecordedRun, registry: ProxyRegistry) {
        self.run = run
        self.registry = registry
    }

    /// Makes the changes that came before any client.
    package func begin() async throws {
        for change in run.changes.prefix(firstCount) { try await registry.repeated(change.change) }
    }

    /// Makes the others in turn; suspends between them. Cancellation ends it.
    package func proceed() async throws {
        for change in run.changes.dropFirst(firstCount) {
            try await wait(for: change)
            try await registry.repeated(change.change)
        }
    }

    private var firstCount: Int { run.changes.prefix { $0.moment.connections == 0 }.count }

    private func wait(for change: RecordedRun.Change) async throws {
        let (name, moment) = (change.change.proxyName, change.moment)
        guard moment.connections > 0 else { return }
        var present = try await registry.moment(of: name)
        while present.connections < moment.connections {
            try await Task.sleep(for: Self.patience)
            present = try await registry.moment(of: name)
        }
        // The same time after the client came, unless others have come since.
        guard present.connections == moment.connections, present.since < moment.since else { return }
        try await Task.sleep(for: moment.since - present.since)
    }
}
