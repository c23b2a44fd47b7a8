import PacelineCluster
import PacelineSpeculation

/// All verifiers, and the choice among them.
struct ReplicaTable: Sendable {
    private(set) var replicas: [ReplicaAddress: Replica] = [:]
    /// The generation of new requests; nil while none is ready.
    private(set) var active: String?
    /// Of each verifier that says which it is, the one of its usable addresses that gets requests.
    private var used: [String: ReplicaAddress] = [:]
    private var affinity: PrefixAffinity
    private var choices = 0
    private let configuration: GatewayConfiguration

    init(_ configuration: GatewayConfiguration) {
        self.configuration = configuration
        affinity = PrefixAffinity(limit: configuration.affinityLimit)
    }

    subscript(address: ReplicaAddress) -> Replica? { replicas[address] }

    /// Whether new requests can be served.
    var isReady: Bool { active != nil }

    // MARK: Membership and health

    /// Replaces the list. A replica that is not on it any more stays until its last attempt has ended.
    mutating func list(_ addresses: [ReplicaAddress], now: Instant) {
        let listed = Set(addresses)
        for address in replicas.keys where !listed.contains(address) {
            replicas[address]?.isListed = false
            forget(address)
        }
        for address in listed { replicas[address, default: Replica(nextPoll: now)].isListed = true }
        chooseUsed()
    }

    /// The replicas to ask for their health now.
    mutating func due(at now: Instant) -> [ReplicaAddress] {
        let due = replicas.filter { !$0.value.isPolled && $0.value.nextPoll <= now }.keys.sorted()
        for address in due {
            replicas[address]?.isPolled = true
            if replicas[address]?.askedSince == nil { replicas[address]?.askedSince = now }
            replicas[address]?.nextPoll = now + configuration.pollInterval
        }
        return due
    }

    /// When the next replica is to be asked; nil while all are being asked.
    var nextPoll: Instant? {
        replicas.values.lazy.filter { !$0.isPolled }.map(\.nextPoll).min()
    }

    /// Takes a replica's answer about its health.
    ///
    /// - Returns: whether it can take requests now that it could not take before.
    mutating func take(_ answer: HealthAnswer, of address: ReplicaAddress, now: Instant) -> Bool {
        guard var replica = replicas[address] else { return false }
        let before = (state: replica.state, generation: replica.generation, used: used)
        replica.isPolled = PlantedBug.healthAskedOnce.isPlanted
        switch answer {
        case .ready(let generation, let incarnation):
            (replica.state, replica.generation, replica.incarnation) = (.ready, generation, incarnation)
        case .refusing: replica.state = .refusing
        case .foreign: replica.state = .foreign
        case .unreachable: replica.state = .down
        }
        if answer != .unreachable {
            (replica.lastAnswer, replica.askedSince, replica.isSuspected) = (now, nil, false)
        }
        replicas[address] = replica
        chooseUsed()
        let isNew = before.state != .ready || before.generation != replica.generation
        // The answer may have made a spare address the one that is used.
        return replica.state == .ready && isNew || used.contains { before.used[$0.key] != $0.value }
    }

    /// An attempt has shown a replica's state, until its next answer about its health.
    mutating func note(_ state: Replica.State, of address: ReplicaAddress, now: Instant) {
        guard replicas[address]?.state == .ready else { return }
        // What a verifier says of itself is so at all of its addresses; that one does not answer is not.
        for address in state == .down ? [address] : addresses(of: address) where replicas[address]?.state == .ready {
            replicas[address]?.state = state
            replicas[address]?.nextPoll = now
        }
        chooseUsed()
    }

    /// A request was lost on a replica. Until its next answer it gets requests only if no other can take them. It may
    /// also be the way there that is broken, for all but small answers: the next request takes another one.
    mutating func suspect(_ address: ReplicaAddress, now: Instant) {
        replicas[address]?.lastLoss = now
        for address in addresses(of: address) {
            replicas[address]?.isSuspected = true
            replicas[address]?.nextPoll = now
        }
        chooseUsed()
    }

    /// The addresses of the verifier that has this one, as far as is known.
    func addresses(of address: ReplicaAddress) -> Set<ReplicaAddress> {
        guard let incarnation = replicas[address]?.incarnation else { return [address] }
        return Set(replicas.filter { $0.value.incarnation == incarnation }.keys)
    }

    /// Whether another address of the same verifier gets its requests.
    func isSpare(_ address: ReplicaAddress) -> Bool {
        guard let replica = replicas[address], replica.isUsable, let incarnation = replica.incarnation else {
            return false
        }
        return used[incarnation] != address
    }

    /// Whether a replica may get a request of `generation`.
    func takes(_ address: ReplicaAddress, _ generation: String) -> Bool {
        guard let replica = replicas[address], replica.isUsable else { return false }
        return replica.generation == generation && !isSpare(address)
    }

    /// A request goes from a replica to another one.
    mutating func countMove(from address: ReplicaAddress, _ reason: GatewayStatistics.Reason) {
        replicas[address]?.moves[reason, default: 0] += 1
    }

    /// Whether a replica has answered nothing for too long since it was asked.
    func isSilent(_ address: ReplicaAddress, now: Instant) -> Bool {
        guard let asked = replicas[address]?.askedSince else { return false }
        return now - asked > configuration.healthLimit
    }

    /// Answers may have come that nobody has looked at: silences begin anew.
    mutating func excuse(now: Instant) {
        for address in replicas.keys where replicas[address]?.askedSince != nil {
            replicas[address]?.askedSince = now
        }
    }

    private mutating func chooseUsed() {
        chooseAddresses()
        chooseGeneration()
    }

    /// A verifier's requests stay with the address that they go to as long as it can be used and loses none.
    private mutating func chooseAddresses() {
        var best: [String: (lastLoss: Instant, isOther: Int, address: ReplicaAddress)] = [:]
        for (address, replica) in replicas where replica.isUsable {
            guard let incarnation = replica.incarnation else { continue }
            let candidate = (replica.lastLoss ?? .zero, used[incarnation] == address ? 0 : 1, address)
            if best[incarnation].map({ candidate < $0 }) ?? true { best[incarnation] = candidate }
        }
        used = best.mapValues(\.address)
    }

    /// New requests go to the generation with the most ready replicas, and stay with the present one in a tie.
    private mutating func chooseGeneration() {
        var ready: [String: Int] = [:]
        for (address, replica) in replicas where replica.isUsable && !isSpare(address) {
            if let generation = replica.generation { ready[generation, default: 0] += 1 }
        }
        let most = ready.values.max()
        if let active, let count = ready[active], count == most { return }
        active = ready.filter { $0.value == most }.keys.min()
    }

    private mutating func forget(_ address: ReplicaAddress) {
        guard let replica = replicas[address], !replica.isListed, replica.attempts == 0 else { return }
        replicas[address] = nil
        affinity.drop(address)
    }

    // MARK: Choice

    /// The replica for a request: of those that know its beginning and are not much busier than others the one that
    /// knows most of it, else the one with the fewest tokens outstanding.
    ///
    /// - Parameters:
    ///   - generation: that of the request's first tokens; nil for the active one.
    ///   - excluded: replicas that have refused or lost the request.
    func choice(
        _ prefixes: [UInt64],
        generation: String?,
        excluding excluded: Set<ReplicaAddress>,
        now: Instant
    ) -> ReplicaAddress? {
        guard let generation = generation ?? active else { return nil }
        let able = replicas.filter { takes($0.key, generation) && !excluded.contains($0.key) }
        let fresh = able.filter { entry in
            !entry.value.isSuspected && entry.value.lastAnswer.map { now - $0 <= configuration.freshness } ?? false
        }
        let candidates = fresh.isEmpty ? able : fresh
        let least = candidates.min { left, right in
            (left.value.outstanding, left.value.attempts, left.value.lastChoice, left.key)
                < (right.value.outstanding, right.value.attempts, right.value.lastChoice, right.key)
        }
        guard let least else { return nil }
        for prefix in prefixes.reversed() {
            guard let known = affinity[prefix].map(inUse), let replica = candidates[known] else { continue }
            let isWithinBound = replica.outstanding - least.value.outstanding <= configuration.affinitySlack
            return isWithinBound ? known : least.key
        }
        return least.key
    }

    /// Where the requests of an address go now.
    private func inUse(_ address: ReplicaAddress) -> ReplicaAddress {
        replicas[address]?.incarnation.flatMap { used[$0] } ?? address
    }

    /// An attempt begins.
    ///
    /// - Parameter charge: the tokens that it will read and generate.
    mutating func begin(on address: ReplicaAddress, charge: Int, prefixes: [UInt64]) {
        choices += 1
        replicas[address]?.attempts += 1
        replicas[address]?.outstanding += charge
        replicas[address]?.lastChoice = choices
        for prefix in prefixes { affinity.note(prefix, address) }
    }

    /// A part of an attempt's tokens is done.
    mutating func settle(_ tokens: Int, on address: ReplicaAddress) {
        replicas[address]?.outstanding -= tokens
    }

    /// An attempt has ended.
    ///
    /// - Parameter charge: what was left of its tokens.
    mutating func end(on address: ReplicaAddress, charge: Int) {
        replicas[address]?.attempts -= 1
        replicas[address]?.outstanding -= charge
        forget(address)
    }
}
