import CPacelineChecksum
import NIOCore
import PacelineWire

/// Streams of frames. A fuzzer cannot guess checksums, so an input says what frames to build: the first byte chooses
/// the phase (bit 0), the version (bit 1), whether the rest is the stream itself (bit 2), and how it arrives in pieces
/// (the upper bits). Then come frames: a type, damages, the payload's length in two bytes, and the payload.
///
/// However the bytes arrive, the same messages and the same error must come of them. The reader holds a frame and a
/// piece at most, and gives nothing after an error.
struct FrameTarget: FuzzTarget {
    /// What is wrong with a frame that is otherwise right.
    private struct Damage: OptionSet {
        let rawValue: UInt8

        static let sequence = Damage(rawValue: 1)
        static let headerChecksum = Damage(rawValue: 2)
        static let payloadChecksum = Damage(rawValue: 4)
        static let flags = Damage(rawValue: 8)
        static let version = Damage(rawValue: 16)
        static let magic = Damage(rawValue: 32)
        /// The header announces a length of its own, the payload's first four bytes.
        static let length = Damage(rawValue: 64)
    }

    private static let pieces = [1, 3, 27, 28, 29, 64, 500, 4096]

    init() {}

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        guard let head = input.first else { return false }
        let phase = phase(head)
        let stream = head & 4 == 0 ? Self.frames(input.dropFirst()) : Array(input.dropFirst())
        let whole = try Self.read(stream, phase: phase, piece: max(1, stream.count))
        let pieces = try Self.read(stream, phase: phase, piece: Self.pieces[Int(head >> 4) % Self.pieces.count])
        guard whole.messages == pieces.messages, whole.error == pieces.error else {
            throw FuzzFinding("\(whole) became \(pieces) in pieces")
        }
        for message in whole.messages { try checkRoundTrip(message, phase: phase) }
        return whole.error == nil && !whole.messages.isEmpty
    }

    private func phase(_ head: UInt8) -> LinkPhase {
        WireSamples.phase(of: head & 1 == 0 ? .tree : .hello, version: head & 2 == 0 ? 2 : 1)
    }

    // MARK: Building

    private static func frames(_ description: ArraySlice<UInt8>) -> [UInt8] {
        var stream: [UInt8] = []
        var rest = description
        var sequence: UInt64 = 0
        while rest.count >= 4 {
            let (type, damage) = (rest[rest.startIndex], Damage(rawValue: rest[rest.startIndex + 1]))
            let length = Int(rest[rest.startIndex + 2]) | Int(rest[rest.startIndex + 3]) << 8
            let payload = rest.dropFirst(4).prefix(length)
            rest = rest.dropFirst(4 + payload.count)
            sequence += damage.contains(.sequence) ? 2 : 1
            stream += frame(type, damage, sequence, payload)
        }
        return stream
    }

    private static func frame(
        _ type: UInt8,
        _ damage: Damage,
        _ sequence: UInt64,
        _ payload: ArraySlice<UInt8>
    ) -> [UInt8] {
        var checksum = checksum(of: Array(payload))
        if damage.contains(.payloadChecksum) { checksum ^= 1 }
        var length = UInt32(payload.count)
        if damage.contains(.length) {
            length = payload.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        var covered = ByteBuffer()
        covered.writeInteger(UInt16(damage.contains(.version) ? 2 : 1), endianness: .little)
        covered.writeMultipleIntegers(type, UInt8(damage.contains(.flags) ? 1 : 0))
        covered.writeMultipleIntegers(length, checksum, sequence, endianness: .little)
        let header = Array(covered.readableBytesView)
        var bytes = ByteBuffer(bytes: damage.contains(.magic) ? Array("HTTP".utf8) : FrameHeader.magic)
        let own = Self.checksum(of: header) ^ (damage.contains(.headerChecksum) ? 1 : 0)
        bytes.writeInteger(own, endianness: .little)
        return Array(bytes.readableBytesView) + header + payload
    }

    private static func checksum(of bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { pl_crc32c(0, $0.baseAddress, $0.count) }
    }

    // MARK: Reading

    private static func read(
        _ stream: [UInt8],
        phase: LinkPhase,
        piece: Int
    ) throws -> (messages: [Message], error: WireError?) {
        var reader = MessageReader(phase: phase)
        var messages: [Message] = []
        var taken = 0
        do {
            for start in Swift.stride(from: 0, to: stream.count, by: piece) {
                let bytes = stream[start..<min(stream.count, start + piece)]
                reader.append(ByteBuffer(bytes: bytes))
                taken += bytes.count
                while let received = try reader.next() {
                    messages.append(received.message)
                    taken -= FrameHeader.byteCount + received.frame.payload.readableBytes
                }
                guard taken <= WireLimits.framePayload + FrameHeader.byteCount else {
                    throw FuzzFinding("\(taken) bytes wait for a frame that cannot be so long")
                }
            }
            try reader.finish()
            return (messages, nil)
        } catch let error as WireError {
            guard (try? reader.next()) == nil else { throw FuzzFinding("the reader went on after \(error)") }
            return (messages, error)
        }
    }

    func seeds() throws -> [FuzzSeed] {
        var seeds: [FuzzSeed] = []
        var all: [UInt8] = []
        for message in WireSamples.messages {
            let phase = WireSamples.phase(of: message.type, version: 2)
            var writer = MessageWriter(phase: phase)
            var bytes = ByteBuffer()
            try writer.write(message, into: &bytes)
            let payload = Array(bytes.readableBytesView.dropFirst(FrameHeader.byteCount))
            let frame = [message.type.rawValue, 0, UInt8(payload.count & 0xff), UInt8(payload.count >> 8)] + payload
            let head: UInt8 = phase == .handshake ? 1 : 0
            if head == 0 { all += frame }
            seeds.append(FuzzSeed("\(message.type)", [head | 0x20] + frame))
            seeds.append(FuzzSeed("\(message.type)-raw", [head | 4 | 0x30] + Array(bytes.readableBytesView)))
        }
        seeds.append(FuzzSeed("all", [0x40] + all))
        for bit in 0..<7 {
            seeds.append(FuzzSeed("damaged-\(bit)", [0x50, 0x20, 0, 2, 0, 8, 1, 0x20, 1 << UInt8(bit), 2, 0, 8, 2]))
        }
        return seeds
    }
}
