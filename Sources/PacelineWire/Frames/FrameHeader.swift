package import NIOCore
import PacelineSpeculation

/// The 28 bytes before every payload.
///
/// | offset | bytes | content                                                      |
/// |-------:|------:|--------------------------------------------------------------|
/// |      0 |     4 | magic f7 50 43 4c                                            |
/// |      4 |     4 | CRC-32C of bytes 8 ..< 28                                    |
/// |      8 |     2 | version of this header: 1                                    |
/// |     10 |     1 | type                                                         |
/// |     11 |     1 | flags: 0                                                     |
/// |     12 |     4 | payload length                                               |
/// |     16 |     4 | CRC-32C of the payload                                       |
/// |     20 |     8 | sequence number: 1, 2, 3 … in each direction of a connection |
///
/// All numbers are little-endian. The first byte of the magic occurs in no UTF-8 text and starts no TLS record. So a
/// peer with another protocol is recognised at once.
package struct FrameHeader: Sendable, Equatable {
    package static let byteCount = 28
    package static let magic: [UInt8] = [0xf7, 0x50, 0x43, 0x4c]
    /// The same as one number, its first byte highest.
    private static let magicWord = magic.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }

    package var type: MessageType
    package var payloadLength: Int
    package var payloadChecksum: UInt32
    package var sequence: UInt64

    package init(type: MessageType, payloadLength: Int, payloadChecksum: UInt32, sequence: UInt64) {
        self.type = type
        self.payloadLength = payloadLength
        self.payloadChecksum = payloadChecksum
        self.sequence = sequence
    }

    /// Reads a header, checking its checksum before using anything in it.
    ///
    /// - Parameters:
    ///   - buffer: at least 28 readable bytes; unchanged if this throws.
    ///   - expected: the sequence number that must come.
    ///   - phase: decides which types are allowed, and how long their payloads may be.
    init(from buffer: inout ByteBuffer, expecting expected: UInt64, in phase: LinkPhase) throws(FrameError) {
        try Self.checkMagic(in: buffer)
        let covered = buffer.viewBytes(at: buffer.readerIndex + 8, length: Self.byteCount - 8)
        var header = buffer
        guard let covered, header.readInteger(as: UInt32.self) != nil,
            let checksum = header.readInteger(endianness: .little, as: UInt32.self),
            let version = header.readInteger(endianness: .little, as: UInt16.self),
            let (typeByte, flags) = header.readMultipleIntegers(endianness: .little, as: (UInt8, UInt8).self),
            let (length, payloadChecksum) = header.readMultipleIntegers(endianness: .little, as: (UInt32, UInt32).self),
            let sequence = header.readInteger(endianness: .little, as: UInt64.self)
        else { throw .truncated(missing: Self.byteCount - buffer.readableBytes) }

        let actual = CRC32C.checksum(of: covered)
        guard checksum == actual || PlantedBug.headerChecksumIgnored.isPlanted else {
            throw .headerChecksum(expected: actual, found: checksum)
        }
        guard version == WireLimits.framingVersion else {
            throw .version(expected: WireLimits.framingVersion, found: version)
        }
        guard let type = MessageType(rawValue: typeByte) else { throw .unknownType(typeByte) }
        guard flags == 0 else { throw .flags(flags) }
        guard let cap = phase.payloadCap(of: type) else { throw .typeNotAllowed(type) }
        guard length <= cap else { throw .payloadTooLong(type: type, length: length, cap: cap) }
        guard sequence == expected || PlantedBug.sequenceIgnored.isPlanted else {
            throw .sequence(expected: expected, found: sequence)
        }

        buffer = header
        self.init(type: type, payloadLength: Int(length), payloadChecksum: payloadChecksum, sequence: sequence)
    }

    /// The header at the beginning of `buffer`, for those who watch frames on their way.
    ///
    /// - Returns: nil unless all 28 bytes are there, with the right magic and checksum, a known version and type, and a
    ///   length that some message may have.
    package init?(lookingAt buffer: ByteBuffer) {
        let start = buffer.readerIndex
        guard buffer.readableBytes >= Self.byteCount, buffer.readableBytesView.starts(with: Self.magic),
            let covered = buffer.viewBytes(at: start + 8, length: Self.byteCount - 8),
            let checksum = buffer.getInteger(at: start + 4, endianness: .little, as: UInt32.self),
            checksum == CRC32C.checksum(of: covered),
            buffer.getInteger(at: start + 8, endianness: .little, as: UInt16.self) == WireLimits.framingVersion,
            let type = buffer.getInteger(at: start + 10, as: UInt8.self).flatMap(MessageType.init),
            let length = buffer.getInteger(at: start + 12, endianness: .little, as: UInt32.self),
            length <= WireLimits.framePayload,
            let payloadChecksum = buffer.getInteger(at: start + 16, endianness: .little, as: UInt32.self),
            let sequence = buffer.getInteger(at: start + 20, endianness: .little, as: UInt64.self)
        else { return nil }
        self.init(type: type, payloadLength: Int(length), payloadChecksum: payloadChecksum, sequence: sequence)
    }

    /// Compares as much of the magic as has arrived, so that a stranger is refused at its first wrong byte, however its
    /// bytes are split.
    static func checkMagic(in buffer: ByteBuffer) throws(FrameError) {
        // As it mostly is.
        if buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) == magicWord { return }
        let found = buffer.readableBytesView.prefix(magic.count)
        guard let wrong = zip(found, magic).enumerated().first(where: { $1.0 != $1.1 })?.offset else { return }
        throw .magic(found: Array(found.prefix(wrong + 1)))
    }

    /// Writes the header at `index`, where 28 bytes are reserved.
    package func write(into buffer: inout ByteBuffer, at index: Int) {
        // In few writes: each has to ask whether somebody else holds the buffer.
        let kind = UInt64(WireLimits.framingVersion) | UInt64(type.rawValue) << 16
        buffer.setInteger(kind | UInt64(UInt32(payloadLength)) << 32, at: index + 8, endianness: .little)
        buffer.setInteger(payloadChecksum, at: index + 16, endianness: .little)
        buffer.setInteger(sequence, at: index + 20, endianness: .little)
        if let covered = buffer.viewBytes(at: index + 8, length: Self.byteCount - 8) {
            let checksum = UInt64(CRC32C.checksum(of: covered))
            let start = UInt64(Self.magicWord.byteSwapped) | checksum << 32
            buffer.setInteger(start, at: index, endianness: .little)
        }
    }
}
