/// Hand-written protobuf, for payloads that no honest encoder produces.
struct ProtobufPayload {
    private(set) var bytes: [UInt8] = []

    func varint(_ field: Int, _ value: UInt64) -> Self {
        appending(Self.varint(UInt64(field << 3)) + Self.varint(value))
    }

    func fixed64(_ field: Int, _ value: UInt64) -> Self {
        appending(Self.varint(UInt64(field << 3 | 1)) + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) })
    }

    func bytes(_ field: Int, _ content: [UInt8]) -> Self {
        appending(Self.varint(UInt64(field << 3 | 2)) + Self.varint(UInt64(content.count)) + content)
    }

    func packed(_ field: Int, _ values: [UInt64]) -> Self {
        bytes(field, values.flatMap(Self.varint))
    }

    func message(_ field: Int, _ content: ProtobufPayload) -> Self {
        bytes(field, content.bytes)
    }

    func float(_ field: Int, _ value: Float) -> Self {
        let bits = value.bitPattern
        return appending(
            Self.varint(UInt64(field << 3 | 5)) + (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        )
    }

    private func appending(_ more: [UInt8]) -> Self {
        var copy = self
        copy.bytes += more
        return copy
    }

    static func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
}
