import Glibc
import NIOCore
import PacelineCluster

/// A client's connection and the one to the upstream that belongs to it, joined by two lanes.
final class RelayConnection: SocketPair {
    private let client: any Channel
    private var upstream: (any Channel)?
    private var lanes: [RelayLane] = []
    /// What the client sent before the upstream was reached. The relay does not read by then, but the end of the stream
    /// brings the kernel's buffer along.
    private var early = ByteBuffer()
    private var hasEndedEarly = false
    /// Sockets that are closed.
    private var gone: Set<SocketSide> = []
    /// Called once, when both sockets are closed.
    private let onEnd: (RelayConnection) -> Void

    init(client: any Channel, onEnd: @escaping (RelayConnection) -> Void) {
        self.client = client
        self.onEnd = onEnd
    }

    /// Begins to relay. The client may have gone in the meantime.
    func join(_ upstream: any Channel, schedules: (upstream: RelaySchedule, downstream: RelaySchedule)) {
        self.upstream = upstream
        guard !gone.contains(.client) else { return reset(upstream) }
        lanes = [
            RelayLane(from: client, to: upstream, schedule: schedules.upstream) { [unowned self] in
                finish(.client, $0)
            },
            RelayLane(from: upstream, to: client, schedule: schedules.downstream) { [unowned self] in
                finish(.upstream, $0)
            },
        ]
        lanes[0].received(&early)
        if hasEndedEarly { lanes[0].sourceEnded(.closed) }
        lanes[1].pump()
    }

    /// The upstream cannot be reached.
    func refuse() {
        gone.insert(.upstream)
        reset(client)
        // Without an upstream, the connection ends with the client.
        if gone.contains(.client) { onEnd(self) }
    }

    /// Ends it at once, and drops what is on its way.
    func close() {
        client.close(promise: nil)
        upstream?.close(promise: nil)
    }

    func received(_ bytes: inout ByteBuffer, at side: SocketSide) {
        guard let lane = lane(from: side) else { return _ = early.writeBuffer(&bytes) }
        lane.received(&bytes)
    }

    /// The peer at `side` will send nothing more.
    func inputClosed(at side: SocketSide) {
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
        if lane(from: side)?.isFinished == true { socket(side.other)?.close(promise: nil) }
        if gone.count == 2 { onEnd(self) }
    }

    /// What the lanes have done, towards the upstream and towards the client.
    var statistics: (upstream: RelayStatistics.Direction, downstream: RelayStatistics.Direction)? {
        guard lanes.count == 2 else { return nil }
        return (lanes[0].schedule.statistics, lanes[1].schedule.statistics)
    }

    /// The direction that begins at `side` is complete: passes on its end.
    private func finish(_ side: SocketSide, _ ending: RelaySchedule.Ending) {
        guard let sink = socket(side.other) else { return }
        switch ending {
        case .reset: reset(sink)
        case .closed: sink.close(mode: gone.contains(side) ? .all : .output, promise: nil)
        }
    }

    private func socket(_ side: SocketSide) -> (any Channel)? {
        side == .client ? client : upstream
    }

    private func lane(from side: SocketSide) -> RelayLane? {
        side.rawValue < lanes.count ? lanes[side.rawValue] : nil
    }

    /// Closes a socket so that its peer sees an error.
    private func reset(_ channel: any Channel) {
        let now = linger(l_onoff: 1, l_linger: 0)
        // If the option cannot be set, the peer sees an orderly end, which it must handle as well.
        _ = (channel as? any SocketOptionProvider)?.setSoLinger(now)
        channel.close(promise: nil)
    }
}
