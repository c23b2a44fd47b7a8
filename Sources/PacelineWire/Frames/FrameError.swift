/// How a byte stream broke the framing: what was expected, and what came. The connection must be closed.
package enum FrameError: Error, Equatable, Sendable {
    case magic(found: [UInt8])
    case headerChecksum(expected: UInt32, found: UInt32)
    case version(expected: UInt16, found: UInt16)
    case unknownType(UInt8)
    case flags(UInt8)
    /// The type exists but is not allowed in this phase of the connection.
    case typeNotAllowed(MessageType)
    case payloadTooLong(type: MessageType, length: UInt32, cap: Int)
    case sequence(expected: UInt64, found: UInt64)
    case payloadChecksum(type: MessageType, expected: UInt32, found: UInt32)
    /// The stream ended inside a frame.
    case truncated(missing: Int)
}

extension FrameError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .magic(let found) where [0x15, 0x16].contains(found.first):
            "the peer speaks TLS, but this side does not; give both sides certificates, or neither"
        case .magic(let found):
            "the peer does not speak Paceline's protocol: its first bytes were \(hex(found)), "
                + "not \(hex(FrameHeader.magic))"
        case .headerChecksum(let expected, let found):
            "a frame header is corrupt: its checksum should be \(hex(expected)), but is \(hex(found))"
        case .version(let expected, let found):
            "the peer uses version \(found) of the framing, but this side uses version \(expected)"
        case .unknownType(let type):
            "a frame has the unknown message type \(hex([type]))"
        case .flags(let flags):
            "a frame has flags \(hex([flags])), but none are defined"
        case .typeNotAllowed(let type):
            "\(type.withArticle) message came in a phase of the connection that does not allow it"
        case .payloadTooLong(let type, let length, let cap):
            "\(type.withArticle) message announces \(length) bytes, but at most \(cap) are allowed here"
        case .sequence(let expected, let found):
            "frame \(expected) was expected, but frame \(found) came"
        case .payloadChecksum(let type, let expected, let found):
            "the payload of \(type.withArticle) message is corrupt: its checksum should be \(hex(expected)), "
                + "but is \(hex(found))"
        case .truncated(let missing):
            "the stream ended \(missing) bytes before the end of a frame"
        }
    }
}

private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
}

private func hex(_ word: UInt32) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}
