import Glibc
import NIOCore
import PacelineCluster

/// A client's connection to a proxy and the one to the upstream that belongs to it, joined by two lanes.
final class ProxyConnection<Machine: LaneMachine>: SocketPair {
    /// What the proxy wants to hear of.
    struct Events {
        var faults: (UInt64, StreamDirection, [FaultRecord]) -> Void
        /// Called once, when both sockets are closed.
        var ended: (ProxyConnection<Machine>) -> Void
    }

    /// Counts the proxy's connections from 0.
    let number: UInt64
    private let client: any Channel
    private var upstream: (any Channel)?
    private var lanes: [ProxyLane<Machine>] = []
    /// What the client sent before the upstream was reached. The proxy does not read by then, but the end of the stream
    /// brings the kernel's buffer along.
    private var early = ByteBuffer()
    private var hasEndedEarly = false
    /// Sockets that are closed.
    private var gone: Set<SocketSide> = []
    /// The side that must not hear that the other one is gone.
    private var deaf: SocketSide?
    private let events: Events

    init(number: UInt64, client: any Channel, events: Events) {
        self.number = number
        self.client = client
        self.events = events
    }

    /// Begins to pass bytes on. The client may have gone in the meantime.
    func join(_ upstream: any Channel, machines: (upstream: Machine, downstream: Machine)) {
        self.upstream = upstream
        guard !gone.contains(.client) else { return Self.reset(upstream) }
        lanes = [lane(.client, to: upstream, machines.upstream), lane(.upstream, to: client, machines.downstream)]
        if early.readableBytes > 0 { lanes[0].received(&early) }
        if hasEndedEarly { lanes[0].sourceEnded(.closed) }
        for lane in lanes { lane.pump() }
    }

    private func lane(_ side: SocketSide, to sink: any Channel, _ machine: Machine) -> ProxyLane<Machine> {
        ProxyLane(
            from: socket(side) ?? client,
            to: sink,
            machine: machine,
            onFaults: { [unowned self] in events.faults(number, side.stream, $0) },
            onEnd: { [unowned self] in finish(side, $0) }
        )
    }

    /// The upstream cannot be reached.
    func refuse() {
        gone.insert(.upstream)
        Self.reset(client)
        // Without an upstream, the connection ends with the client.
        if gone.contains(.client) { events.ended(self) }
    }

    /// Ends it at once, and drops what is on its way.
    func close() {
        for lane in lanes { lane.abandon() }
        client.close(promise: nil)
        upstream?.close(promise: nil)
    }

    /// Changes the toxics of one direction.
    func change(_ stream: StreamDirection, _ body: (inout Machine, Instant) -> Void) {
        lane(from: stream == .upstream ? .client : .upstream)?.change(body)
    }

    /// Those of both directions, that to the upstream first; none before the upstream is reached.
    var machines: [Machine] { lanes.map(\.machine) }

    // MARK: What the sockets say

    func received(_ bytes: inout ByteBuffer, at side: SocketSide) {
        guard let lane = lane(from: side) else { return _ = early.writeBuffer(&bytes) }
        lane.received(&bytes)
    }

    /// The peer at `side` will send nothing more.
    func inputClosed(at side: SocketSide) {
        // Nobody is there to hear it: the last socket of a half-open connection has done its work.
        guard deaf != side else { return _ = socket(side)?.close(promise: nil) }
        guard let lane = lane(from: side) else { return hasEndedEarly = true }
        lane.sourceEnded(.closed)
    }

    /// The socket at `side` is closed.
    ///
    /// - Parameter hasFailed: whether it ended with an error.
    func closed(at side: SocketSide, hasFailed: Bool) {
        guard gone.insert(side).inserted else { return }
        let isBroken = hasFailed || lane(from: side.other)?.hasSinkFailed == true
        lane(from: side.other)?.abandon()
        lane(from: side)?.sourceEnded(isBroken ? .reset : .closed)
        // This side's end was passed on before, and the other side has no receiver any more.
        if lane(from: side)?.isFinished == true, deaf == nil { socket(side.other)?.close(promise: nil) }
        if gone.count == 2 {
            for lane in lanes { lane.conclude() }
            events.ended(self)
        }
    }

    // MARK: Ends

    /// The direction that begins at `side` is complete: passes on its end.
    private func finish(_ side: SocketSide, _ ending: LinkEnding) {
        guard let sink = socket(side.other) else { return }
        switch ending {
        case .closed: sink.close(mode: gone.contains(side) ? .all : .output, promise: nil)
        case .severed: close()
        case .reset:
            for lane in lanes { lane.abandon() }
            for socket in [client, upstream].compactMap({ $0 }) { Self.reset(socket) }
        case .halfOpen:
            deaf = side.other
            for lane in lanes { lane.abandon() }
            if let source = socket(side) { Self.reset(source) }
        }
    }

    private func socket(_ side: SocketSide) -> (any Channel)? {
        side == .client ? client : upstream
    }

    private func lane(from side: SocketSide) -> ProxyLane<Machine>? {
        side.rawValue < lanes.count ? lanes[side.rawValue] : nil
    }

    /// Closes a socket so that its peer sees an error. The option is set only now, so that no other end becomes one.
    private static func reset(_ channel: any Channel) {
        let now = linger(l_onoff: 1, l_linger: 0)
        // If the option cannot be set, the peer sees an orderly end, which it must handle as well.
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(now)
        channel.close(promise: nil)
    }
}
