/// What usually follows in a text, byte by byte, learned from the text itself: for choices that a grammar leaves open,
/// such as white space, the next property or one of a few words.
///
/// Counts bytes behind contexts of several lengths and blends them, the longer ones last (as PPM does; Cleary and
/// Witten 1984). At the beginning of a line it goes by how far the line before was indented.
struct TextHabits: Sendable {
    /// What is known of the text before a byte. A value: drafts go on from it.
    struct Context: Sendable, Hashable {
        /// The last eight bytes, the latest one lowest.
        private(set) var recent: UInt64 = 0
        /// How far the line is indented so far, and the line before.
        private var indentation = 0
        private var previous = 0
        /// The last byte of the line before, white space aside.
        private var ending: UInt8 = 0
        private var lastInk: UInt8 = 0
        private var isBlank = true

        mutating func append(_ byte: UInt8) {
            recent = recent << 8 | UInt64(byte)
            if byte == UInt8(ascii: "\n") {
                if !isBlank { (previous, ending) = (indentation, lastInk) }
                (indentation, isBlank) = (0, true)
            } else if byte != UInt8(ascii: " "), byte != UInt8(ascii: "\t") {
                (isBlank, lastInk) = (false, byte)
            } else if isBlank {
                indentation += 1
            }
        }

        /// How many keys there are at most.
        static let keyCount = 6
        private static let lengths: [UInt64] = [0, 1, 2, 4, 8]

        /// The contexts that count, the least telling first; nil for one that does not count here.
        func key(_ index: Int) -> UInt64? {
            if index < Self.lengths.count {
                let length = Self.lengths[index]
                return Self.mixed(length, length == 8 ? recent : recent & (1 << (8 * length) - 1))
            }
            guard isBlank, indentation > 0 || recent & 0xFF == UInt64(UInt8(ascii: "\n")) else { return nil }
            return Self.mixed(9, UInt64(bitPattern: Int64(indentation - previous)) << 8 | UInt64(ending))
        }

        private static func mixed(_ kind: UInt64, _ value: UInt64) -> UInt64 {
            var hash = (value &+ kind) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
            return hash &* 0xBF58_476D_1CE4_E5B9 ^ kind
        }
    }

    /// How often a byte came behind a context.
    private struct Count {
        let byte: UInt8
        var times: UInt16
        /// Where the context's next one is, or -1.
        let next: Int32
    }

    /// Contexts and bytes that are remembered at most.
    private static let limit = 1 << 17
    /// What the shorter contexts together count for beside one occurrence.
    private static let prior = 1.0

    private(set) var context = Context()
    private var counts: [Count] = []
    /// The first count of each context.
    private var heads: [UInt64: Int32] = [:]

    mutating func append(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            for index in 0..<Context.keyCount {
                if let key = context.key(index) { count(byte, behind: key) }
            }
            context.append(byte)
        }
    }

    private mutating func count(_ byte: UInt8, behind key: UInt64) {
        let head = heads[key] ?? -1
        var place = head
        while place >= 0 {
            guard counts[Int(place)].byte != byte else {
                counts[Int(place)].times = min(counts[Int(place)].times, .max - 1) + 1
                return
            }
            place = counts[Int(place)].next
        }
        guard counts.count < Self.limit else { return }
        heads[key] = Int32(counts.count)
        counts.append(Count(byte: byte, times: 1, next: head))
    }

    /// How probable each of some bytes is where one of them comes next.
    func probabilities(of bytes: [UInt8], in context: Context) -> [Double] {
        var probabilities = Array(repeating: 1 / Double(bytes.count), count: bytes.count)
        for index in 0..<Context.keyCount {
            guard let key = context.key(index), var place = heads[key] else { continue }
            var total = Self.prior
            while place >= 0 {
                let count = counts[Int(place)]
                if let known = bytes.firstIndex(of: count.byte) {
                    probabilities[known] += Double(count.times) / Self.prior
                    total += Double(count.times)
                }
                place = count.next
            }
            for index in bytes.indices { probabilities[index] *= Self.prior / total }
        }
        return probabilities
    }
}
