import PacelineSpeculation

/// The verifiers that a worker is to serve: those that were named one by one, and the members of groups as they were
/// found last.
///
/// A verifier of a large fleet cannot have a link to each worker. So a worker serves some members of the groups only,
/// those that rank highest for it (rendezvous hashing; Thaler and Ravishankar, 1998). Each worker ranks them in its own
/// order, so all verifiers have about equally many; one that comes or goes changes nothing for the others.
package struct VerifierDirectory: Sendable {
    private let named: [Endpoint]
    private let memberLimit: Int
    private let salt: UInt64
    private var members: [NameDiscovery: [Endpoint]] = [:]

    /// - Parameters:
    ///   - memberLimit: how many members of groups to serve at most.
    ///   - salt: another one for each worker.
    package init(_ named: [Endpoint], memberLimit: Int = .max, salt: UInt64 = 0) {
        (self.named, self.memberLimit, self.salt) = (named, memberLimit, salt)
    }

    /// A look-up gave these members of a group. One that fails is none: those that were found before still hold.
    package mutating func found(_ addresses: [Endpoint], of group: NameDiscovery) {
        members[group] = addresses
    }

    /// All of them, each once, in a fixed order.
    package var endpoints: [Endpoint] {
        let found = Set(members.values.joined()).subtracting(named)
        let ranked = found.count > memberLimit ? found.sorted { (rank($0), $0) > (rank($1), $1) } : Array(found)
        return Set(named).union(ranked.prefix(memberLimit)).sorted()
    }

    /// How many there are, served or not.
    package var knownCount: Int { Set(named + members.values.joined()).count }

    private func rank(_ endpoint: Endpoint) -> UInt64 {
        // Equal ends of addresses must not give equal ranks.
        var random = SplitMix(seed: FNV1a("\(endpoint)".utf8).value ^ salt)
        return random.next()
    }

    /// By address: the name that the verifier's certificate must have. A group's members share the group's name.
    package var certificateNames: [Endpoint: String] {
        var names: [Endpoint: String] = [:]
        for (group, addresses) in members.sorted(by: { $0.key.name < $1.key.name }) {
            for address in addresses where !named.contains(address) { names[address] = group.name.host }
        }
        return names
    }
}
