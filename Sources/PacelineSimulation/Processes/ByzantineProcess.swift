import NIOCore
import PacelineCluster
import PacelineSpeculation

/// The process of a byzantine worker: connects to any verifier, and sends the next misdeed after each pause.
final class ByzantineProcess: ConnectionOwner {
    let host: String
    let life = 0
    let isDead = false
    let isStopped = false
    private let context: SimulationContext
    private let network: SimulatedNetwork
    private let verifiers: [VerifierProcess]
    private var worker: ByzantineWorker
    /// The open connection; nil while there is none.
    private var connection: Int?

    init(_ index: Int, _ context: SimulationContext, network: SimulatedNetwork, verifiers: [VerifierProcess]) {
        host = "byzantine \(index)"
        self.context = context
        self.network = network
        self.verifiers = verifiers
        worker = ByzantineWorker(seed: context.timeline.random.next(), ledger: context.ledger)
        act(after: context.timeline.random.duration(below: .milliseconds(300)))
    }

    private func act(after delay: Duration) {
        context.timeline.schedule(after: delay) { [unowned self] in act() }
    }

    private func act() {
        guard context.timeline.healedAt == nil else { return }
        defer { act(after: worker.pause(isConnected: connection != nil)) }
        guard let connection else { return connect() }
        guard let bytes = worker.act() else { return }
        context.journal.count(.byzantine)
        network.send(bytes, from: .worker, on: connection)
    }

    private func connect() {
        let verifier = verifiers[context.timeline.random.next(below: verifiers.count)]
        guard !verifier.isDead else { return }
        let id = network.establish(self, as: LinkID(rawValue: 0), with: verifier)
        connection = id
        if let hello = worker.greet() { network.send(hello, from: .worker, on: id) }
    }

    func disconnect() {
        if let connection { network.close(connection, .worker) }
    }

    func receive(_ event: ConnectionEvent, on link: LinkID) {
        switch event {
        case .received(let bytes): worker.receive(bytes)
        case .disconnected: connection = nil
        case .opened, .flushed: break
        }
    }

    func forget(_ link: LinkID) {
        connection = nil
    }
}
