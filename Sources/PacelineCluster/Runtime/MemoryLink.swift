import NIOCore

/// A link between two machines of one event loop. Moves bytes in memory as a socket would, and decides nothing.
final class MemoryLink {
    enum Side: CaseIterable {
        case verifier, worker

        var other: Side { self == .verifier ? .worker : .verifier }
    }

    private struct End {
        let deliver: (LinkEvent) -> Void
        /// Bytes on their way to it.
        var waiting: [ByteBuffer] = []
        var isReading = true
        /// Takes no more events.
        var isClosed = false
    }

    private let eventLoop: any EventLoop
    private var ends: [Side: End]
    private var isScheduled = false

    /// - Parameters:
    ///   - verifier: takes what happens to the verifier's end.
    ///   - worker: takes what happens to the worker's end.
    init(
        on eventLoop: any EventLoop,
        verifier: @escaping (LinkEvent) -> Void,
        worker: @escaping (LinkEvent) -> Void
    ) {
        self.eventLoop = eventLoop
        ends = [.verifier: End(deliver: verifier), .worker: End(deliver: worker)]
    }

    func perform(_ action: LinkAction, of side: Side) {
        switch action {
        case .write(let bytes): ends[side.other]?.waiting.append(bytes)
        case .pauseReading: ends[side]?.isReading = false
        case .resumeReading: ends[side]?.isReading = true
        case .close: ends[side]?.isClosed = true
        }
        guard !isScheduled else { return }
        isScheduled = true
        // Later, so that what one event causes travels together, and no machine runs within another's turn.
        eventLoop.assumeIsolated().execute { self.move() }
    }

    private func move() {
        isScheduled = false
        for side in Side.allCases {
            guard let end = ends[side], !end.isClosed else { continue }
            let isLast = ends[side.other]?.isClosed ?? true
            if !end.waiting.isEmpty, end.isReading || isLast { deliver(end.waiting, to: side) }
            guard isLast else { continue }
            ends[side]?.isClosed = true
            end.deliver(.disconnected(reason: nil))
        }
    }

    private func deliver(_ pieces: [ByteBuffer], to side: Side) {
        ends[side]?.waiting = []
        var bytes = ByteBuffer()
        for piece in pieces { bytes.writeImmutableBuffer(piece) }
        let count = bytes.readableBytes
        ends[side]?.deliver(.received(bytes))
        guard let sender = ends[side.other], !sender.isClosed else { return }
        sender.deliver(.flushed(bytes: count))
    }
}
