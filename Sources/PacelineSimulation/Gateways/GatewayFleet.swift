import PacelineCluster
import PacelineGateway
import PacelineSpeculation

/// The gateways of a scenario and their clients, and what is known of the verifiers behind them.
final class GatewayFleet {
    /// How long it may take a gateway to learn that a verifier can be used, and to use it.
    private static let notice = Duration.seconds(3)

    private(set) var gateways: [GatewayProcess] = []
    private(set) var streams: [StreamingClient] = []
    private let context: SimulationContext
    private let verifiers: [VerifierProcess]
    /// How many faults keep each verifier off the list, and since when none does.
    private var unlistings: [Int]
    private var listedSince: [Instant]

    init(_ context: SimulationContext, _ verifiers: [VerifierProcess], network: SimulatedNetwork) {
        self.context = context
        self.verifiers = verifiers
        unlistings = verifiers.map { _ in 0 }
        listedSince = verifiers.map { _ in .zero }
        gateways = (0..<context.scenario.gateways).map { index in
            GatewayProcess(index, context, verifiers, network: network) { [unowned self] in listed }
        }
        streams = context.scenario.requests.enumerated().map { index, request in
            StreamingClient(index, request, of: self, context)
        }
        context.journal.statistics.gateways.scenarios += 1
    }

    private var timeline: Timeline { context.timeline }
    var haveStreamsEnded: Bool { streams.allSatisfy { $0.ending != nil } }
    var openStreams: [Int] { streams.filter { $0.ending == nil }.map(\.index) }
    /// The verifiers that gateways are told of.
    private var listed: [ReplicaAddress] {
        let all = verifiers.indices.filter { unlistings[$0] == 0 }
        let second = context.scenario.hasTwoAddresses ? all.map(GatewayProcess.secondAddress(ofVerifier:)) : []
        return all.map(GatewayProcess.address(ofVerifier:)) + second
    }

    /// For people.
    var summary: String { gateways.map { "\($0.snapshot.replicas)" }.joined(separator: "; ") }

    // MARK: Faults

    /// Takes a verifier off the list for a while.
    func unlist(_ verifier: Int, for span: Duration) -> Bool {
        unlistings[verifier] += 1
        relist()
        timeline.schedule(after: span) { [unowned self] in
            guard timeline.healedAt == nil else { return }
            unlistings[verifier] -= 1
            listedSince[verifier] = timeline.now
            relist()
        }
        return true
    }

    private func relist() {
        for gateway in gateways { gateway.relist() }
    }

    /// Resets a connection of a gateway to a verifier.
    func cut() -> Bool {
        let calls = gateways.filter { !$0.isDead }.flatMap(\.openCalls)
        guard !calls.isEmpty else { return false }
        let call = timeline.random.pick(calls)
        call.exchange?.leave()
        call.reset()
        return true
    }

    /// Lets nothing through between a gateway and a verifier for a while.
    func partition(for span: Duration) -> Bool {
        timeline.random.pick(timeline.random.pick(gateways).routes).block(for: span)
        return true
    }

    func heal() {
        for place in verifiers.indices where unlistings[place] > 0 {
            (unlistings[place], listedSince[place]) = (0, timeline.now)
        }
        for gateway in gateways {
            for route in gateway.routes { route.heal() }
            gateway.resume(life: gateway.life)
            gateway.restart()
        }
        relist()
    }

    // MARK: Checks

    /// A verifier that a gateway must have been able to use for a while; nil if there is none.
    ///
    /// - Parameter dialect: the model that it must have; nil for any.
    func steadyVerifier(of dialect: Int?, for gateway: GatewayProcess) -> VerifierProcess? {
        verifiers.first { verifier in
            let place = verifier.index
            guard verifier.port.isServing, unlistings[place] == 0 else { return false }
            guard dialect == nil || verifier.port.dialect == dialect else { return false }
            let since = [
                verifier.port.usableSince, listedSince[place], gateway.blockedUntil(to: place), gateway.usableSince,
            ].reduce(.zero, max)
            return since + Self.notice <= timeline.now
        }
    }

    /// How long after healing streams may take beyond what requests at verifiers take.
    func recovery(passMilliseconds: Double, prefillRows: Int) -> Duration {
        let passes = streams.reduce(0) { $0 + $1.passes(prefillRows: prefillRows) }
        // One of a generation that is gone waits in vain first. What began before healing may begin again.
        let again = Duration.fromMilliseconds(2 * Double(passes) * passMilliseconds)
        return context.scenario.gateway.patience + .seconds(10) + again
    }

    var isIdle: Bool {
        gateways.allSatisfy { $0.state.isRunning && $0.isIdle } && verifiers.allSatisfy(\.port.isServing)
            && knowsVerifiers
    }

    /// Whether all gateways would give requests to all verifiers.
    var knowsVerifiers: Bool { gateways.allSatisfy(\.knowsVerifiers) }

    func checkAccounts() {
        for gateway in gateways { gateway.checkAccounts() }
    }

    /// The run is over.
    func finish() {
        for gateway in gateways where !gateway.isDead {
            context.journal.statistics.gateways.add(gateway.snapshot.statistics)
        }
    }
}
