/// Bytes to look for, with what lets a search jump (Horspool, 1980). Every relayed chunk is searched a few times.
struct BytePattern: Sendable {
    private let bytes: [UInt8]
    /// How far the search may jump, by the byte below the pattern's last place.
    private let jumps: [UInt8]

    /// - Parameter text: 1 to 255 bytes.
    init(_ text: StaticString) {
        bytes = text.withUTF8Buffer { Array($0) }
        var jumps = [UInt8](repeating: UInt8(clamping: bytes.count), count: 256)
        for (place, byte) in bytes.dropLast().enumerated() {
            jumps[Int(byte)] = UInt8(clamping: bytes.count - 1 - place)
        }
        self.jumps = jumps
    }

    var count: Int { bytes.count }

    /// Where the pattern first begins at `start` or behind it; nil if nowhere.
    func first(in text: UnsafeRawBufferPointer, from start: Int = 0) -> Int? {
        let last = bytes.count - 1
        var place = max(0, start)
        return bytes.withUnsafeBufferPointer { bytes in
            jumps.withUnsafeBufferPointer { jumps in
                while place + last < text.count {
                    var index = last
                    while text[place + index] == bytes[index] {
                        if index == 0 { return place }
                        index -= 1
                    }
                    place += Int(jumps[Int(text[place + last])])
                }
                return nil
            }
        }
    }

    /// Whether the pattern stands at `place`.
    func stands(at place: Int, in text: UnsafeRawBufferPointer) -> Bool {
        guard place >= 0, place + bytes.count <= text.count else { return false }
        for index in bytes.indices where text[place + index] != bytes[index] { return false }
        return true
    }
}
