import NIOCore
import PacelineWire

extension LinkMachine {
    mutating func receive(_ bytes: ByteBuffer, now: Instant) throws(LinkFault) {
        liveness.heard(now: now)
        inbound.take(bytes.readableBytes, now: now)
        codec.append(bytes)
        if !inbound.isPaused { try readOn(now: now) }
    }

    /// Reads the messages of one turn. If there may be more, the transport pauses and the rest waits for the next turn.
    mutating func readOn(now: Instant) throws(LinkFault) {
        var left = configuration.messagesPerTurn
        while left > 0, !inbound.isExceeded(now: now) {
            guard let received = try codec.next() else {
                if inbound.isPaused { outbox.append(.resumeReading) }
                return inbound.resume()
            }
            try receive(received, now: now)
            left -= 1
        }
        if !inbound.isPaused { outbox.append(.pauseReading) }
        inbound.pause(now: now)
    }

    private mutating func receive(_ received: MessageReader.Received, now: Instant) throws(LinkFault) {
        let message = received.message
        if case .fault(let fault) = message {
            throw .reported(code: fault.code, reason: fault.reason)
        }
        guard case .established = state else {
            return try continueHandshake(received, now: now)
        }
        switch message {
        case .ping(let ping):
            let pong = try liveness.answer(ping, now: now, lastReceived: codec.lastReceived)
            if let pong { try write(pong, now: now) }
        case .pong(let pong):
            try liveness.answered(pong, now: now)
        case .hello, .challenge, .authenticate, .welcome, .fault:
            throw .unexpected(message.type, state: state.words)
        case .open, .base, .verifying, .verdict, .features:
            guard side.isWorker else { throw .unexpected(message.type, state: "drafting is the sender's part") }
            outbox.append(.deliver(message))
        case .tree:
            guard !side.isWorker else { throw .unexpected(message.type, state: "verifying is the sender's part") }
            outbox.append(.deliver(message))
        case .close(let close):
            cancelOpening(close.request)
            outbox.append(.deliver(message))
        case .drain:
            outbox.append(.deliver(message))
        }
    }
}
