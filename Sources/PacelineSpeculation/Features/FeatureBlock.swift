/// Features of consecutive positions of one sequence: what a head reads of the target.
///
/// A row belongs to a committed token: that of position i is what the target computed when it read the token there. It
/// says what comes next, so a head reads it together with the token at i + 1.
package struct FeatureBlock: Equatable, Sendable {
    /// Of the first row.
    package private(set) var position: Int
    /// Which features a row has, side by side.
    package let taps: [FeatureTap]
    /// Numbers of one tap in a row.
    package let width: Int
    /// Rows × taps × width. Numbers that float16 cannot hold are its largest.
    package private(set) var values: [Float16]

    /// - Parameter values: whole rows; at least one tap.
    package init(position: Int, taps: [FeatureTap], width: Int, values: [Float16] = []) {
        precondition(!taps.isEmpty && width > 0 && values.count.isMultiple(of: taps.count * width))
        (self.position, self.taps, self.width, self.values) = (position, taps, width, values)
    }

    /// Numbers of a row.
    package var rowLength: Int { taps.count * width }

    /// Rows.
    package var count: Int { values.count / rowLength }

    /// The position behind the last row.
    package var end: Int { position + count }

    package mutating func append(row: some Sequence<Float>) {
        values += row.lazy.map { Float16(max(-65504, min(65504, $0))) }
        precondition(values.count.isMultiple(of: rowLength), "a row has all taps")
    }

    /// Appends the rows of a block that begins where this one ends.
    package mutating func append(_ other: FeatureBlock) {
        precondition(other.position == end && other.taps == taps && other.width == width, "rows that follow")
        values += other.values
    }

    /// The rows from a position on; all of them if that comes before the first.
    package func suffix(from position: Int) -> FeatureBlock {
        guard position > self.position else { return self }
        let first = min(position, end)
        let dropped = (first - self.position) * rowLength
        return FeatureBlock(position: first, taps: taps, width: width, values: Array(values[dropped...]))
    }

    /// Some of the taps, in another order; nil if one is missing.
    package func selecting(_ wanted: [FeatureTap]) -> FeatureBlock? {
        guard wanted != taps else { return self }
        let places = wanted.compactMap { taps.firstIndex(of: $0) }
        guard places.count == wanted.count, !wanted.isEmpty else { return nil }
        var selected = FeatureBlock(position: position, taps: wanted, width: width)
        selected.values.reserveCapacity(count * wanted.count * width)
        for row in 0..<count {
            for place in places {
                let start = row * rowLength + place * width
                selected.values += values[start..<start + width]
            }
        }
        return selected
    }
}

/// What a drafter wants to be told of the target's features.
package struct FeatureDemand: Hashable, Sendable {
    /// How features travel.
    package enum Format: Sendable, CaseIterable {
        /// Two bytes a number.
        case float16
        /// One byte a number, and a float32 scale for each tap of each row.
        case eightBit
    }

    /// The most taps that anybody may ask for.
    package static let tapLimit = 8

    /// Distinct, in the order in which a row has them.
    package var taps: [FeatureTap]
    package var format: Format

    package init(taps: [FeatureTap], format: Format = .float16) {
        (self.taps, self.format) = (taps, format)
    }
}
