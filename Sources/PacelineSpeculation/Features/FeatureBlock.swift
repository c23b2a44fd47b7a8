/// Features of consecutive positions of one sequence: what a head reads of the target.
///
/// A row belongs to a committed token: that of position i is what the target computed when it read the token there. It
/// says what comes next, so a head reads it together with the token at i + 1.
package struct FeatureBlock: Equatable, Sendable {
    /// Of the first row.
    package let position: Int
    /// Which features a row has, side by side.
    package let taps: [FeatureTap]
    /// Numbers of one tap in a row.
    package let width: Int
    /// Rows × taps × width. Numbers that float16 cannot hold are its largest.
    package let values: [Float16]

    /// - Parameter values: whole rows; at least one tap.
    package init(position: Int, taps: [FeatureTap], width: Int, values: [Float16]) {
        precondition(!taps.isEmpty && width > 0 && values.count.isMultiple(of: taps.count * width))
        (self.position, self.taps, self.width, self.values) = (position, taps, width, values)
    }

    /// Numbers of a row.
    package var rowLength: Int { taps.count * width }

    /// Rows.
    package var count: Int { values.count / rowLength }

    /// The position behind the last row.
    package var end: Int { position + count }
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
