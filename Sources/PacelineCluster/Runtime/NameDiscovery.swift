import Glibc
import NIOPosix

/// A name whose addresses are the members of a group, such as a headless Service of Kubernetes: `dns:NAME:PORT`.
package struct NameDiscovery: Hashable, Sendable, CustomStringConvertible {
    /// What an argument begins with.
    package static let scheme = "dns:"
    /// How long after an answer the name is looked up again. Cluster DNS keeps answers for 5 s by default or more.
    package static let interval = Duration.seconds(2)

    /// The name, and the port that every member has.
    package let name: Endpoint

    package init(_ name: Endpoint) {
        self.name = name
    }

    /// - Parameters:
    ///   - argument: `dns:NAME:PORT`, or `dns:NAME` where there is a usual port.
    ///   - fallback: the usual port; nil if the argument must have one.
    /// - Throws: ``ShellError/invalidDiscovery(_:)``.
    package init(argument: String, port fallback: Int? = nil) throws(ShellError) {
        guard argument.hasPrefix(Self.scheme) else { throw .invalidDiscovery(argument) }
        let rest = String(argument.dropFirst(Self.scheme.count))
        if let endpoint = try? Endpoint(rest), endpoint.port > 0 {
            self.init(endpoint)
        } else if let fallback, !rest.isEmpty, !rest.contains(":") {
            self.init(Endpoint(host: rest, port: fallback))
        } else {
            throw .invalidDiscovery(argument)
        }
    }

    package var description: String { "\(Self.scheme)\(name)" }

    /// The addresses of the name now, distinct and in a fixed order; none if the name exists no more.
    ///
    /// The resolver blocks, so it runs on a thread for that.
    ///
    /// - Throws: ``ShellError/unknownHost(address:)`` if the resolver does not know, which says nothing about members.
    package func addresses() async throws -> [Endpoint] {
        try await NIOThreadPool.singleton.runIfActive { try lookUp() }
    }

    /// Looks the name up again and again until the task is cancelled.
    ///
    /// - Parameters:
    ///   - interval: from an answer to the next question.
    ///   - clock: measures it.
    ///   - onAnswer: gets the addresses whenever they are others than before, the first time in any case; or the error
    ///     whenever it is another one. After an error the last addresses still hold.
    package func watch(
        every interval: Duration = interval,
        on clock: some Clock<Duration> = ContinuousClock(),
        _ onAnswer: (Result<[Endpoint], ShellError>) async -> Void
    ) async {
        var last: Result<[Endpoint], ShellError>?
        while !Task.isCancelled {
            let answer: Result<[Endpoint], ShellError>
            do {
                answer = .success(try await addresses())
            } catch {
                answer = .failure(error as? ShellError ?? .unknownHost(address: "\(name)"))
            }
            guard !Task.isCancelled else { return }
            if answer != last { await onAnswer(answer) }
            last = answer
            try? await clock.sleep(for: interval)
        }
    }

    private func lookUp() throws(ShellError) -> [Endpoint] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name.host, nil, &hints, &first)
        // glibc's own name for it is hidden behind a macro that Swift does not see.
        let hasNoAddress: Int32 = -5
        guard status != EAI_NONAME, status != hasNoAddress else { return [] }
        guard status == 0 else { throw .unknownHost(address: "\(name)") }
        defer { freeaddrinfo(first) }
        var found: Set<Endpoint> = []
        var next = first
        while let entry = next {
            if let host = Self.host(of: entry.pointee) { found.insert(Endpoint(host: host, port: name.port)) }
            next = entry.pointee.ai_next
        }
        return found.sorted { "\($0)" < "\($1)" }
    }

    /// The address in figures.
    private static func host(of entry: addrinfo) -> String? {
        guard let address = entry.ai_addr else { return nil }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let size = socklen_t(text.count)
        guard getnameinfo(address, entry.ai_addrlen, &text, size, nil, 0, NI_NUMERICHOST) == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
