package import Logging
package import NIOCore
import PacelineCluster

/// All proxies of a server. Changes happen one after the other, each as a whole; no socket is waited for but those of
/// listening.
package actor ProxyRegistry {
    private struct Entry {
        var record: ProxyRecord
        /// The proxy while it listens.
        var running: ChaosProxy?
        /// What was done before it listened.
        var past = ProxyStatistics()
    }

    package struct Configuration: Sendable {
        /// Of all random numbers.
        package var seed: UInt64 = 1
        package var limits = ProxyLimits()
        /// Whether proxies may listen where other machines can connect.
        package var allowsRemoteClients = false

        package init() {}
    }

    private let configuration: Configuration
    private let group: any EventLoopGroup
    private let report: ProxyReport
    private var entries: [String: Entry] = [:]
    /// The latest change; the next one waits for it.
    private var latest: Task<Void, Never>?

    package init(_ configuration: Configuration, group: any EventLoopGroup, trace: FaultTrace?, logger: Logger) {
        self.configuration = configuration
        self.group = group
        report = ProxyReport(logger: logger, trace: trace)
    }

    // MARK: Reading

    /// All proxies, by name.
    package var records: [ProxyRecord] { entries.values.map(\.record).sorted { $0.name < $1.name } }

    /// - Throws: ``ChaosError`` 404.
    package func record(_ name: String) throws(ChaosError) -> ProxyRecord { try entry(name).record }

    /// What each proxy has done, open connections included.
    package func statistics() async throws -> [(record: ProxyRecord, done: ProxyStatistics)] {
        var all: [(record: ProxyRecord, done: ProxyStatistics)] = []
        for name in entries.keys.sorted() {
            guard let entry = entries[name] else { continue }
            all.append((entry.record, try await entry.running?.statistics() ?? entry.past))
        }
        return all
    }

    // MARK: Proxies

    /// - Throws: ``ChaosError`` 409; 403 or 500 when the address cannot be listened on.
    package func create(_ proxy: ProxyRecord) async throws -> ProxyRecord {
        try await serially { registry in
            guard registry.entries[proxy.name] == nil else { throw ChaosError.proxyExists(proxy.name) }
            return try await registry.install(proxy, past: ProxyStatistics())
        }
    }

    /// Changes addresses and state. Another address closes all connections.
    package func update(
        _ name: String,
        _ change: @escaping @Sendable (ProxyRecord) throws(ChaosError) -> ProxyRecord
    ) async throws -> ProxyRecord {
        try await serially { try await $0.applyUpdate(name, change) }
    }

    package func delete(_ name: String) async throws {
        try await serially { registry in
            _ = try registry.entry(name)
            let past = try await registry.halt(name)
            registry.entries[name] = nil
            registry.report.trace?.write(.deleted(proxy: name), at: past.moment)
        }
    }

    /// Creates proxies, or replaces those whose addresses differ; others stay as they are, with their toxics.
    ///
    /// - Returns: the proxies that are there, up to the one that failed.
    package func populate(_ proxies: [ProxyRecord]) async -> (done: [ProxyRecord], failure: ChaosError?) {
        do {
            return try await serially { registry in
                var done: [ProxyRecord] = []
                for proxy in proxies {
                    do {
                        done.append(try await registry.replace(proxy))
                    } catch {
                        return (done, error as? ChaosError ?? .internalError(error))
                    }
                }
                return (done, nil)
            }
        } catch {
            return ([], .internalError(error))
        }
    }

    /// Has every proxy listen, and takes all toxics away.
    package func reset() async throws {
        try await serially { registry in
            let names = registry.entries.keys.sorted()
            for name in names { try await registry.removeToxics(of: name) }
            for name in names { try await registry.enable(name) }
        }
    }

    // MARK: Toxics

    package func add(_ toxic: ToxicDefinition, to name: String) async throws {
        try await serially { registry in
            var record = try registry.entry(name).record
            try record.add(toxic)
            try await registry.apply(record, .toxic(proxy: name, toxic)) { $0.add(toxic) }
        }
    }

    package func update(
        _ toxic: String,
        of name: String,
        _ change: @escaping @Sendable (ToxicDefinition) throws(ChaosError) -> ToxicDefinition
    ) async throws -> ToxicDefinition {
        try await serially { registry in
            var record = try registry.entry(name).record
            let changed = try change(try record.toxic(toxic))
            record.update(changed)
            try await registry.apply(record, .toxic(proxy: name, changed)) { $0.update(changed) }
            return changed
        }
    }

    package func remove(_ toxic: String, from name: String) async throws {
        try await serially { registry in
            var record = try registry.entry(name).record
            try record.remove(toxic)
            try await registry.apply(record, .removed(proxy: name, toxic: toxic)) { $0.remove(toxic) }
        }
    }

    /// Does what a trace tells: whatever was there gives way.
    package func repeated(_ change: TracedChange) async throws {
        try await serially { registry in
            switch change {
            case .proxy(let record):
                _ = try await registry.install(record, past: try await registry.halt(record.name))
            case .deleted(let name):
                _ = try await registry.halt(name)
                registry.entries[name] = nil
            case .toxic(let name, let toxic):
                var record = try registry.entry(name).record
                let isThere = record.toxics.contains { $0.name == toxic.name }
                if isThere { record.update(toxic) } else { try record.add(toxic) }
                try await registry.apply(record, change) { isThere ? $0.update(toxic) : $0.add(toxic) }
            case .removed(let name, let toxic):
                var record = try registry.entry(name).record
                try record.remove(toxic)
                try await registry.apply(record, change) { $0.remove(toxic) }
            }
        }
    }

    /// How far the clients of a proxy have come; no connections for one that is not there.
    package func moment(of name: String) async throws -> TraceMoment {
        guard let entry = entries[name] else { return TraceMoment() }
        return try await entry.running?.statistics().moment ?? entry.past.moment
    }

    /// Closes everything.
    package func shutdown() async throws {
        try await serially { registry in
            for name in registry.entries.keys.sorted() { _ = try await registry.halt(name) }
        }
        await report.trace?.finish()
    }

    // MARK: Inside

    /// Runs `body` when all changes before it are done.
    private func serially<Result: Sendable>(
        _ body: @escaping @Sendable (isolated ProxyRegistry) async throws -> Result
    ) async throws -> Result {
        let before = latest
        let change = Task {
            await before?.value
            return try await body(self)
        }
        latest = Task { _ = await change.result }
        return try await change.value
    }

    private func entry(_ name: String) throws(ChaosError) -> Entry {
        guard let entry = entries[name] else { throw .proxyNotFound(name, known: entries.keys.sorted()) }
        return entry
    }

    /// Puts a proxy in its place, listening if it is to.
    private func install(_ proxy: ProxyRecord, past: ProxyStatistics) async throws -> ProxyRecord {
        var entry = Entry(record: proxy, running: nil, past: past)
        if proxy.isEnabled {
            let running = try await listen(proxy, past: past)
            entry.running = running
            entry.record.listen = "\(running.endpoint)"
        }
        entries[proxy.name] = entry
        report.trace?.write(.proxy(entry.record), at: past.moment)
        return entry.record
    }

    /// Where a proxy listens and what it leads to, if it may.
    private func addresses(of proxy: ProxyRecord) throws -> (listen: Endpoint, upstream: Endpoint) {
        let endpoint = try Endpoint(proxy.listen)
        guard try configuration.allowsRemoteClients || endpoint.isLoopback() else {
            throw ChaosError.remote(proxy.listen)
        }
        return (endpoint, try Endpoint(proxy.upstream.hasPrefix(":") ? "127.0.0.1\(proxy.upstream)" : proxy.upstream))
    }

    private func listen(_ proxy: ProxyRecord, past: ProxyStatistics) async throws -> ChaosProxy {
        let (endpoint, upstream) = try addresses(of: proxy)
        let plan = ProxyPlan(
            name: proxy.name,
            upstream: upstream,
            seed: configuration.seed,
            limits: configuration.limits
        )
        return try await ChaosProxy.start(
            plan,
            listen: endpoint,
            toxics: proxy.toxics,
            past: past,
            on: group.next(),
            report: report
        )
    }

    /// Stops to listen and closes all connections.
    private func halt(_ name: String) async throws -> ProxyStatistics {
        guard let running = entries[name]?.running else { return entries[name]?.past ?? ProxyStatistics() }
        let past = try await running.stop()
        entries[name]?.running = nil
        entries[name]?.past = past
        entries[name]?.record.isEnabled = false
        return past
    }

    private func applyUpdate(
        _ name: String,
        _ change: (ProxyRecord) throws(ChaosError) -> ProxyRecord
    ) async throws -> ProxyRecord {
        let old = try entry(name).record
        var new = try change(old)
        // Another spelling of the same address is no reason to close connections.
        if try Self.isSame(old, new) { new.listen = old.listen }
        guard new != old else { return old }
        return try await exchange(new)
    }

    /// Puts a changed proxy in the place of the one of its name. What is refused for its addresses changes nothing; one
    /// that cannot listen after all is disabled.
    private func exchange(_ new: ProxyRecord) async throws -> ProxyRecord {
        if new.isEnabled { _ = try addresses(of: new) }
        let past = try await halt(new.name)
        do {
            return try await install(new, past: past)
        } catch {
            if let left = entries[new.name]?.record { report.trace?.write(.proxy(left), at: past.moment) }
            throw error
        }
    }

    private func replace(_ proxy: ProxyRecord) async throws -> ProxyRecord {
        guard let old = entries[proxy.name]?.record else { return try await install(proxy, past: ProxyStatistics()) }
        if try Self.isSame(old, proxy) { return old }
        return try await exchange(proxy)
    }

    /// Whether both have the same addresses, however they write them.
    private static func isSame(_ old: ProxyRecord, _ new: ProxyRecord) throws -> Bool {
        guard old.upstream == new.upstream else { return false }
        if old.listen == new.listen { return true }
        return try Endpoint(old.listen).resolved() == Endpoint(new.listen).resolved()
    }

    private func removeToxics(of name: String) async throws {
        guard var record = entries[name]?.record else { return }
        for toxic in record.toxics {
            try record.remove(toxic.name)
            try await apply(record, .removed(proxy: name, toxic: toxic.name)) { $0.remove(toxic.name) }
        }
    }

    private func enable(_ name: String) async throws {
        guard var record = entries[name]?.record, !record.isEnabled else { return }
        record.isEnabled = true
        _ = try await install(record, past: entries[name]?.past ?? ProxyStatistics())
    }

    /// Takes over changed toxics, here and on the proxy's event loop.
    private func apply(
        _ record: ProxyRecord,
        _ change: TracedChange,
        _ body: @escaping @Sendable (ProxyShell) -> Void
    ) async throws {
        entries[record.name]?.record = record
        let moment = try await entries[record.name]?.running?.run { shell in
            body(shell)
            return shell.statistics.moment
        }
        report.trace?.write(change, at: moment ?? entries[record.name]?.past.moment ?? TraceMoment())
    }
}
