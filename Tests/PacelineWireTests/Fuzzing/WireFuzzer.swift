import NIOCore

@testable import PacelineWire

/// Feeds mutated bytes to the decoders and checks the results. A trap ends the process; any other violation is a
/// finding.
///
/// Inputs that lead to a new outcome are kept, so that mutations build on each other. Half of all inputs still start
/// from valid messages; otherwise few inputs would decode at all. Everything depends on the seed, so a run can be
/// repeated.
struct WireFuzzer {
    struct Finding: Error, CustomStringConvertible {
        var reason: String
        var input: [UInt8]

        var description: String { "\(reason); input: \(input.map { String($0, radix: 16) }.joined(separator: " "))" }
    }

    private struct Payload {
        var type: MessageType
        var bytes: [UInt8]
    }

    private static let foundLimit = 4096

    private var mutator: ByteMutator
    /// Payloads of valid messages.
    private var valid: [Payload] = []
    /// Payloads that led to a new outcome.
    private var found: [Payload] = []
    private var outcomes: Set<String> = []
    private(set) var accepted = 0

    /// Distinct outcomes of all inputs.
    var distinctOutcomes: Int { outcomes.count }

    init(seed: UInt64) throws {
        mutator = ByteMutator(seed: seed)
        var messages = RandomMessages(seed: seed)
        for _ in 0..<8 {
            for type in MessageType.allCases {
                let frame = try Wire.bytes(of: [messages.message(type)], phase: RandomMessages.phase(of: type))
                valid.append(Payload(type: type, bytes: Array(frame.dropFirst(FrameHeader.byteCount))))
            }
        }
    }

    private mutating func origin() -> Payload {
        mutator.element(of: found.isEmpty || mutator.chance(2) ? valid : found)
    }

    /// One input, decoded and checked.
    mutating func execute() throws {
        switch mutator.number(0...9) {
        case 0: try executeStream(intact: false)
        case 1, 2: try executeStream(intact: true)
        default: try executePayload()
        }
    }

    /// A mutated payload, as if the frame's checksums were valid.
    private mutating func executePayload() throws {
        let origin = origin()
        let bytes = mutator.mutate(origin.bytes, splicing: self.origin().bytes)
        let type = mutator.chance(20) ? mutator.element(of: MessageType.allCases) : origin.type
        let phase = RandomMessages.phase(of: type)
        let frame = Frame(type: type, sequence: 1, payload: ByteBuffer(bytes: bytes))
        do {
            let message = try MessageDecoder(phase: phase).decode(frame)
            try checkRoundTrip(message, phase: phase, input: bytes)
            note("\(type) accepted", type, bytes)
            accepted += 1
        } catch let error as MessageError {
            note(Self.kind(of: error), type, bytes)
        }
    }

    /// A stream of frames; with `intact` framing only payloads and sequence numbers are mutated, else any byte.
    private mutating func executeStream(intact: Bool) throws {
        var stream: [UInt8] = []
        for sequence in 1...UInt64(mutator.number(1...4)) {
            let payload = intact ? origin() : mutator.element(of: valid)
            let bytes = intact ? mutator.mutate(payload.bytes, splicing: origin().bytes) : payload.bytes
            let number = mutator.chance(50) ? UInt64(mutator.number(0...9)) : sequence
            stream += Wire.frame(payload.type, payload: bytes, sequence: number)
        }
        if !intact { stream = mutator.mutate(stream, splicing: origin().bytes) }
        let phase = mutator.chance(3) ? LinkPhase.handshake : RandomMessages.established
        let whole = Wire.read(stream, phase: phase)
        let chunked = try readInChunks(stream, phase: phase)
        guard whole.messages == chunked.messages, whole.error == chunked.error else {
            throw Finding(reason: "\(whole) became \(chunked) in chunks", input: stream)
        }
        for message in whole.messages { try checkRoundTrip(message, phase: phase, input: stream) }
        accepted += whole.messages.count
    }

    /// Reads the same bytes in pieces; the reader must never hold more than a frame and a piece.
    private mutating func readInChunks(
        _ bytes: [UInt8],
        phase: LinkPhase
    ) throws -> (messages: [Message], error: WireError?) {
        var reader = MessageReader(phase: phase)
        var messages: [Message] = []
        var start = 0
        do {
            while start < bytes.count {
                let end = min(bytes.count, start + mutator.number(1...mutator.element(of: [4, 64, 4096])))
                reader.append(ByteBuffer(bytes: bytes[start..<end]))
                start = end
                while let received = try reader.next() { messages.append(received.message) }
                let held = reader.buffer.readableBytes
                guard held <= WireLimits.framePayload + FrameHeader.byteCount else {
                    throw Finding(reason: "the reader holds \(held) bytes", input: bytes)
                }
            }
            try reader.finish()
            return (messages, nil)
        } catch let error as WireError {
            guard (try? reader.next()) == nil else {
                throw Finding(reason: "the reader went on after \(error)", input: bytes)
            }
            return (messages, error)
        }
    }

    /// Checks that an accepted message is valid: it can be sent, and arrives unchanged.
    private func checkRoundTrip(_ message: Message, phase: LinkPhase, input: [UInt8]) throws {
        let (read, error) = Wire.read(try Wire.bytes(of: [message], phase: phase), phase: phase)
        guard error == nil, read == [message] else {
            throw Finding(reason: "\(message) came back as \(read), \(String(describing: error))", input: input)
        }
    }

    private mutating func note(_ outcome: String, _ type: MessageType, _ bytes: [UInt8]) {
        let isNew = outcomes.insert(outcome).inserted
        guard isNew || mutator.chance(500), bytes.count <= ByteMutator.usualLimit else { return }
        if found.count < Self.foundLimit {
            found.append(Payload(type: type, bytes: bytes))
        } else {
            found[mutator.number(0...found.count - 1)] = Payload(type: type, bytes: bytes)
        }
    }

    /// An error's text without its numbers.
    private static func kind(of error: MessageError) -> String {
        error.description.filter { !$0.isNumber }
    }
}
