import PacelineSpeculation
import PacelineWire

/// Requests that are being opened at a peer. Splits long bases into messages. Hands these out one at a time, as there
/// is room, in the order in which the requests were opened.
struct BaseSender: Sendable {
    private struct Opening: Sendable {
        /// With the whole base.
        let open: Message.Open
        /// How many tokens of the base were handed out.
        var sent = 0
    }

    private var openings: [Opening] = []

    var isEmpty: Bool { openings.isEmpty }

    /// - Parameter open: with the whole base.
    mutating func add(_ open: Message.Open) {
        openings.append(Opening(open: open))
    }

    mutating func cancel(_ request: UInt64) {
        openings.removeAll { $0.open.request == request }
    }

    /// Whether part of the request's base is still to be handed out.
    func contains(_ request: UInt64) -> Bool {
        openings.contains { $0.open.request == request }
    }

    /// The next message; nil if everything was handed out.
    ///
    /// - Parameter part: how many tokens of a base a message may carry, at least 1.
    mutating func next(part: Int) -> Message? {
        guard let first = openings.first else { return nil }
        let base = first.open.base
        let room = first.sent == 0 ? max(1, part - first.open.constraintRoom) : part
        let end = min(base.count, first.sent + room)
        let tokens = Array(base[first.sent..<end])
        let overlap = PlantedBug.basePartsOverlap.isPlanted && end - first.sent > 1 ? 1 : 0
        if end == base.count { openings.removeFirst() } else { openings[0].sent = end - overlap }
        guard first.sent > 0 else {
            var open = first.open
            open.base = tokens
            return .open(open)
        }
        return .base(Message.Base(request: first.open.request, offset: first.sent, tokens: tokens))
    }
}

extension Message.Open {
    /// How many tokens of the base have to make room for the constraint.
    fileprivate var constraintRoom: Int {
        constraint.map { $0.grammar.utf8.count / WireLimits.tokenBytes + 8 } ?? 0
    }
}
