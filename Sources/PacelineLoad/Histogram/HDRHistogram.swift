/// Counts of whole numbers with a relative error that stays below a stated bound, after Gil Tene's HdrHistogram.
///
/// A bucket holds the values between two powers of two and is cut into slots of equal width, as narrow as the
/// significant digits ask for. Recording costs a few instructions; memory depends on the range and the digits only.
///
/// The layout, the percentiles and the mean are those of the Java and C versions (http://hdrhistogram.org), so that the
/// text of ``distribution(scale:ticksPerHalfDistance:)`` can be read by the tools for it.
package struct HDRHistogram: Sendable, Hashable {
    /// How values map to slots.
    package struct Layout: Sendable, Hashable {
        /// The smallest value that is told apart from 0.
        package let lowest: Int
        /// A value that can certainly be recorded.
        package let highest: Int
        /// Decimal digits to which a value is kept, 1 to 5.
        package let significantDigits: Int
        package let bucketCount: Int
        package let subBucketCount: Int
        let unitMagnitude: Int
        let halfMagnitude: Int

        /// - Parameters:
        ///   - lowest: at least 1.
        ///   - highest: at least twice the lowest, and at most 2^61.
        ///   - significantDigits: 1 to 5.
        package init(lowest: Int, highest: Int, significantDigits: Int) {
            precondition((1...5).contains(significantDigits), "1 to 5 significant digits")
            precondition(lowest >= 1 && highest / 2 >= lowest && highest <= 1 << 61, "a range from 1 to 2^61")
            self.lowest = lowest
            self.highest = highest
            self.significantDigits = significantDigits
            unitMagnitude = Int.bitWidth - 1 - lowest.leadingZeroBitCount
            // The largest value that must be exact: 2 times 10 to the power of the digits.
            let exact = (0..<significantDigits).reduce(2) { value, _ in value * 10 }
            halfMagnitude = Int.bitWidth - (exact - 1).leadingZeroBitCount - 1
            subBucketCount = 1 << (halfMagnitude + 1)
            var untrackable = subBucketCount << unitMagnitude
            var buckets = 1
            while untrackable <= highest {
                untrackable <<= 1
                buckets += 1
            }
            bucketCount = buckets
        }

        var slotCount: Int { (bucketCount + 1) << halfMagnitude }

        func bucket(of value: Int) -> Int {
            let mask = (subBucketCount - 1) << unitMagnitude
            return Int.bitWidth - (value | mask).leadingZeroBitCount - unitMagnitude - (halfMagnitude + 1)
        }

        /// The slot of a value that is not negative. It may lie behind the last one.
        func slot(of value: Int) -> Int {
            let bucket = bucket(of: value)
            let subBucket = value >> (bucket + unitMagnitude)
            return ((bucket + 1) << halfMagnitude) + subBucket - (1 << halfMagnitude)
        }

        /// The smallest value of a slot.
        func value(ofSlot slot: Int) -> Int {
            let half = 1 << halfMagnitude
            let bucket = (slot >> halfMagnitude) - 1
            let subBucket = slot & (half - 1)
            return bucket < 0 ? subBucket << unitMagnitude : (subBucket + half) << (bucket + unitMagnitude)
        }

        /// How many values share a slot with this one.
        func width(at value: Int) -> Int { 1 << (unitMagnitude + bucket(of: value)) }

        /// The smallest value that shares a slot with this one.
        package func lowestEquivalent(_ value: Int) -> Int { self.value(ofSlot: slot(of: value)) }

        /// The largest value that shares a slot with this one.
        package func highestEquivalent(_ value: Int) -> Int { lowestEquivalent(value) + width(at: value) - 1 }

        /// The middle of the values that share a slot with this one.
        func medianEquivalent(_ value: Int) -> Int { lowestEquivalent(value) + width(at: value) / 2 }
    }

    package let layout: Layout
    private(set) var counts: [Int]
    /// How many values were recorded.
    package private(set) var totalCount = 0
    private var smallest = Int.max
    private var largest = 0

    package init(_ layout: Layout) {
        self.layout = layout
        counts = [Int](repeating: 0, count: layout.slotCount)
    }

    /// Counts a value.
    ///
    /// - Parameter count: how often; at least 0.
    /// - Returns: false for a value that the layout has no slot for, which is not counted.
    @discardableResult
    package mutating func record(_ value: Int, count: Int = 1) -> Bool {
        guard value >= 0 else { return false }
        let slot = layout.slot(of: value)
        guard counts.indices.contains(slot) else { return false }
        guard count > 0 else { return true }
        counts[slot] += count
        totalCount += count
        smallest = min(smallest, value)
        largest = max(largest, value)
        return true
    }

    /// Adds all values of another histogram.
    ///
    /// - Returns: false if one of them has no slot here; nothing is added then.
    @discardableResult
    package mutating func merge(_ other: HDRHistogram) -> Bool {
        guard other.totalCount > 0 else { return true }
        guard counts.indices.contains(layout.slot(of: other.maximum)) else { return false }
        let bounds = (min(smallest, other.smallest), max(largest, other.largest))
        for slot in other.counts.indices where other.counts[slot] > 0 {
            record(other.layout.value(ofSlot: slot), count: other.counts[slot])
        }
        // Values were recorded as the beginnings of their slots.
        (smallest, largest) = bounds
        return true
    }

    /// The smallest recorded value, rounded down to its slot; 0 if there is none.
    package var minimum: Int {
        totalCount == 0 ? 0 : layout.lowestEquivalent(smallest)
    }

    /// The largest recorded value, rounded up to the end of its slot; 0 if there is none.
    package var maximum: Int {
        largest == 0 ? 0 : layout.highestEquivalent(largest)
    }
}
