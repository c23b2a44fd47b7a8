import NIOCore
import PacelineWire

/// Payloads of the draft link, as if their frames' checksums were right. The first byte chooses the type of the message
/// and, with its upper half, the version of the protocol; the payload follows.
struct MessageTarget: FuzzTarget {
    init() {}

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        guard let head = input.first else { return false }
        let types = MessageType.allCases
        let type = types[Int(head & 0x0f) % types.count]
        let phase = WireSamples.phase(of: type, version: head < 0x80 ? 2 : 1)
        // The frame's header would be refused before.
        guard let cap = phase.payloadCap(of: type), input.count <= cap else { return false }
        let payload = ByteBuffer(bytes: input.dropFirst())
        do {
            let message = try MessageDecoder(phase: phase).decode(Frame(type: type, sequence: 1, payload: payload))
            guard message.type == type else { throw FuzzFinding("a \(type) became a \(message.type)") }
            try checkRoundTrip(message, phase: phase)
            return true
        } catch is MessageError {
            return false
        }
    }

    func seeds() throws -> [FuzzSeed] {
        try WireSamples.messages.flatMap { message -> [FuzzSeed] in
            guard let place = MessageType.allCases.firstIndex(of: message.type) else { return [] }
            var writer = MessageWriter(phase: WireSamples.phase(of: message.type, version: 2))
            var bytes = ByteBuffer()
            try writer.write(message, into: &bytes)
            let payload = bytes.readableBytesView.dropFirst(FrameHeader.byteCount)
            return [UInt8(place), UInt8(place) | 0x80].map { head in
                FuzzSeed("\(message.type)-\(head < 0x80 ? 2 : 1)", [head] + payload)
            }
        }
    }
}
