/// Which replica last read a text's beginning, and so likely has it in its cache.
struct PrefixAffinity: Sendable {
    private var known: [UInt64: ReplicaAddress] = [:]
    /// The beginnings in the order in which they became known; a ring once it is full.
    private var order: [UInt64] = []
    private var oldest = 0
    private let limit: Int

    init(limit: Int) {
        self.limit = max(1, limit)
    }

    subscript(prefix: UInt64) -> ReplicaAddress? { known[prefix] }

    mutating func note(_ prefix: UInt64, _ address: ReplicaAddress) {
        if known.updateValue(address, forKey: prefix) != nil { return }
        guard order.count == limit else { return order.append(prefix) }
        known[order[oldest]] = nil
        order[oldest] = prefix
        oldest = (oldest + 1) % limit
    }

    /// Forgets what a replica knew, as its process will not come back.
    mutating func drop(_ address: ReplicaAddress) {
        known = known.filter { $0.value != address }
        order = order.filter { known[$0] != nil }
        oldest = 0
    }
}
