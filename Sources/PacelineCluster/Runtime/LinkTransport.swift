import NIOCore

/// The sockets behind a machine's links. Moves bytes and decides nothing. Confined to one event loop.
package final class LinkTransport {
    private struct Connection {
        var channel: any Channel
        var pendingBytes = 0
        /// The machine is done with the link; close once the last bytes have left.
        var isClosing = false
    }

    /// How long the last bytes of a closed link may take to leave.
    package static let lingering = Duration.milliseconds(500)

    private var connections: [LinkID: Connection] = [:]
    /// Short messages are joined into pieces of at most this many bytes; each piece is one event when it has left. The
    /// peer's progress shows piece by piece, so pieces must stay short.
    private static let pieceLimit = 16 << 10

    /// What leaves with the next ``flush()``.
    private var unflushed: [LinkID: [ByteBuffer]] = [:]
    /// Takes what happens. The owner sets it; events before that are lost.
    var deliver: ((LinkID, LinkEvent) -> Void)?

    var isEmpty: Bool { connections.isEmpty }
    /// Connections that are open, including closing ones.
    var count: Int { connections.count }

    func add(_ id: LinkID, _ channel: any Channel) {
        connections[id] = Connection(channel: channel)
    }

    func received(_ bytes: ByteBuffer, on id: LinkID) {
        guard connections[id]?.isClosing == false else { return }
        deliver?(id, .received(bytes))
    }

    /// A connection could not be made; perhaps not even its socket.
    func unreachable(_ id: LinkID, _ failure: SocketFailure) {
        connections[id] = nil
        deliver?(id, .unreachable(failure))
    }

    func disconnected(_ id: LinkID, reason: String?) {
        guard let connection = connections.removeValue(forKey: id), !connection.isClosing else { return }
        deliver?(id, .disconnected(reason: reason))
    }

    func distrusted(_ id: LinkID, reason: String) {
        guard connections[id]?.isClosing == false else { return }
        deliver?(id, .distrusted(reason: reason))
    }

    func perform(_ action: LinkAction, on id: LinkID) {
        switch action {
        case .write(let bytes): write(bytes, to: id)
        case .pauseReading: setReading(false, id)
        case .resumeReading: setReading(true, id)
        case .close: close(id)
        }
    }

    /// Queues bytes; they leave with the next ``flush()``.
    private func write(_ bytes: ByteBuffer, to id: LinkID) {
        guard connections[id] != nil else { return }
        connections[id]?.pendingBytes += bytes.readableBytes
        var pieces = unflushed.removeValue(forKey: id) ?? []
        if let last = pieces.indices.last, pieces[last].readableBytes + bytes.readableBytes <= Self.pieceLimit {
            pieces[last].writeImmutableBuffer(bytes)
        } else {
            pieces.append(bytes)
        }
        unflushed[id] = pieces
    }

    func flush() {
        guard !unflushed.isEmpty else { return }
        let all = unflushed
        unflushed.removeAll(keepingCapacity: true)
        for (id, pieces) in all { send(pieces, to: id) }
    }

    private func send(_ pieces: [ByteBuffer], to id: LinkID) {
        guard let channel = connections[id]?.channel else { return }
        for piece in pieces {
            channel.write(piece).assumeIsolated().whenComplete { [weak self] _ in
                self?.left(piece.readableBytes, from: id)
            }
        }
        channel.flush()
    }

    /// Closes the connection when its bytes have left, or after a moment.
    private func close(_ id: LinkID) {
        guard let connection = connections[id], !connection.isClosing else { return }
        connections[id]?.isClosing = true
        send(unflushed.removeValue(forKey: id) ?? [], to: id)
        guard connections[id]?.pendingBytes ?? 0 > 0 else { return drop(id) }
        connection.channel.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(Self.lingering)) { [weak self] in
            self?.drop(id)
        }
    }

    /// While reading is off, the peer's bytes stay in the network, and back-pressure slows it down.
    private func setReading(_ isOn: Bool, _ id: LinkID) {
        // If the option cannot be set, the channel is closed and its end will be reported.
        try? connections[id]?.channel.syncOptions?.setOption(.autoRead, value: isOn)
    }

    private func left(_ count: Int, from id: LinkID) {
        guard let connection = connections[id] else { return }
        connections[id]?.pendingBytes -= count
        if !connection.isClosing {
            deliver?(id, .flushed(bytes: count))
        } else if connection.pendingBytes <= count {
            drop(id)
        }
    }

    private func drop(_ id: LinkID) {
        connections[id]?.channel.close(promise: nil)
    }
}
