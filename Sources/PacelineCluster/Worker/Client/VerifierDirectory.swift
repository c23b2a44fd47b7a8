/// The verifiers that a worker is to serve: those that were named one by one, and the members of groups as they were
/// found last.
package struct VerifierDirectory: Sendable {
    private let named: [Endpoint]
    private var members: [NameDiscovery: [Endpoint]] = [:]

    package init(_ named: [Endpoint]) {
        self.named = named
    }

    /// A look-up gave these members of a group. One that fails is none: those that were found before still hold.
    package mutating func found(_ addresses: [Endpoint], of group: NameDiscovery) {
        members[group] = addresses
    }

    /// All of them, each once, in a fixed order.
    package var endpoints: [Endpoint] {
        Set(named + members.values.joined()).sorted()
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
