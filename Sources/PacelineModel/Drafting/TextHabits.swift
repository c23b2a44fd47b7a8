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

        /// The contexts that count, the least telling first.
        var keys: [UInt64] {
            let lengths: [UInt64] = [0, 1, 2, 4, 8]
            var keys = lengths.map { length in
                Self.mixed(length, length == 8 ? recent : recent & (1 << (8 * length) - 1))
            }
            if isBlank, indentation > 0 || recent & 0xFF == UInt64(UInt8(ascii: "\n")) {
                keys.append(Self.mixed(9, UInt64(bitPattern: Int64(indentation - previous)) << 8 | UInt64(ending)))
            }
            return keys
        }

        private static func mixed(_ kind: UInt64, _ value: UInt64) -> UInt64 {
            var hash = (value &+ kind) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
            return (hash &* 0xBF58_476D_1CE4_E5B9 ^ kind) & ~0xFF
        }
    }

    /// Contexts and bytes that are remembered at most.
    private static let limit = 1 << 17
    /// What the shorter contexts together count for beside one occurrence.
    private static let prior = 1.0

    private(set) var context = Context()
    /// By context and byte.
    private var counts: [UInt64: UInt16] = [:]

    mutating func append(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            for key in context.keys {
                let slot = key | UInt64(byte)
                if let count = counts[slot] {
                    counts[slot] = min(count, .max - 1) + 1
                } else if counts.count < Self.limit {
                    counts[slot] = 1
                }
            }
            context.append(byte)
        }
    }

    /// How probable each of some bytes is where one of them comes next.
    func probabilities(of bytes: [UInt8], in context: Context) -> [Double] {
        var probabilities = Array(repeating: 1 / Double(bytes.count), count: bytes.count)
        for key in context.keys {
            let found = bytes.map { Double(counts[key | UInt64($0)] ?? 0) }
            let total = found.reduce(Self.prior, +)
            for index in bytes.indices {
                probabilities[index] = (found[index] + Self.prior * probabilities[index]) / total
            }
        }
        return probabilities
    }
}
