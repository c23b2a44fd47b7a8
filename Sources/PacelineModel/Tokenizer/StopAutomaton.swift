/// Follows one stop string through a stream of bytes.
struct StopAutomaton: Sendable {
    let text: String
    /// How many bytes of the stop string the stream ends with.
    private(set) var matched = 0
    private let bytes: [UInt8]
    /// For every prefix, the length of its longest proper suffix that is a prefix too.
    private let borders: [Int]

    /// - Parameter text: not empty.
    init(_ text: String) {
        self.text = text
        bytes = Array(text.utf8)
        borders = Self.borders(bytes)
    }

    /// Takes the stream's next byte; true when it completes the stop string.
    mutating func advance(_ byte: UInt8) -> Bool {
        if matched == bytes.count { matched = borders[matched - 1] }
        while matched > 0, bytes[matched] != byte { matched = borders[matched - 1] }
        if bytes[matched] == byte { matched += 1 }
        return matched == bytes.count
    }

    private static func borders(_ bytes: [UInt8]) -> [Int] {
        var borders = [Int](repeating: 0, count: bytes.count)
        var length = 0
        for index in bytes.indices.dropFirst() {
            while length > 0, bytes[index] != bytes[length] { length = borders[length - 1] }
            if bytes[index] == bytes[length] { length += 1 }
            borders[index] = length
        }
        return borders
    }
}
