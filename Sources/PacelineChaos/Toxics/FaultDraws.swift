import PacelineSpeculation

/// The random numbers of one toxic on one direction of one connection.
///
/// Each is a function of the seed, the names of proxy and toxic, the connection's number, the direction, the purpose
/// and a place in the stream. So no decision depends on how bytes were read, on the clock, or on another connection.
package struct FaultDraws: Hashable, Sendable {
    /// What a number is drawn for; different purposes have independent numbers.
    enum Purpose: UInt64 {
        case toxicity = 1, jitter, slice, corrupt, bits, segment, frame
    }

    private let root: UInt64

    package init(seed: UInt64, proxy: String, connection: UInt64, stream: StreamDirection, toxic: String) {
        var hash = SplitMix(seed: seed).first
        for part in [proxy, stream.rawValue, toxic] {
            // The length keeps "ab", "c" apart from "a", "bc".
            hash = Self.mixed(hash, UInt64(part.utf8.count))
            for byte in part.utf8 { hash = Self.mixed(hash, UInt64(byte)) }
        }
        root = Self.mixed(hash, connection)
    }

    /// From 0 up to but not including 1.
    func unit(_ purpose: Purpose, at place: UInt64 = 0) -> Double {
        var random = generator(purpose, at: place)
        return random.nextUnit()
    }

    /// A generator for a decision that needs several numbers.
    func generator(_ purpose: Purpose, at place: UInt64) -> SplitMix {
        SplitMix(seed: Self.mixed(root ^ (purpose.rawValue << 56), place))
    }

    private static func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        SplitMix(seed: hash ^ (word &* 0x9fb2_1c65_1e98_df25)).first
    }
}

extension SplitMix {
    fileprivate var first: UInt64 {
        var copy = self
        return copy.next()
    }
}

/// How a stream is divided for decisions that hold for a stretch of bytes.
enum StreamLattice {
    /// What a packet of 1500 bytes carries.
    static let packetBytes = 1448

    /// Cuts `count` bytes from `position` on at the multiples of `cell`.
    ///
    /// - Returns: for each piece the number of its cell, where it begins in the cell, and its length.
    static func cells(of cell: Int, from position: UInt64, count: Int) -> [(cell: UInt64, start: Int, count: Int)] {
        let size = UInt64(max(1, cell))
        var pieces: [(cell: UInt64, start: Int, count: Int)] = []
        var place = position
        var left = count
        while left > 0 {
            let start = Int(place % size)
            let length = min(left, Int(size) - start)
            pieces.append((place / size, start, length))
            place &+= UInt64(length)
            left -= length
        }
        return pieces
    }
}
