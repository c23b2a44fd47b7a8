extension HDRHistogram {
    /// How many recorded values share a slot with this one.
    package func count(at value: Int) -> Int {
        guard value >= 0 else { return 0 }
        let slot = layout.slot(of: value)
        return counts.indices.contains(slot) ? counts[slot] : 0
    }

    /// The value that this share of the recorded ones does not exceed, rounded up to the end of its slot.
    ///
    /// - Parameter percentile: 0 to 100; what lies beyond counts as the nearer of the two.
    /// - Returns: 0 if nothing was recorded.
    package func value(atPercentile percentile: Double) -> Int {
        let share = min(100, max(0, percentile))
        let wanted = max(1, Int(share * Double(totalCount) / 100 + 0.5))
        var sum = 0
        for slot in counts.indices {
            sum += counts[slot]
            guard sum < wanted else {
                let value = layout.value(ofSlot: slot)
                return share == 0 ? value : layout.highestEquivalent(value)
            }
        }
        return 0
    }

    /// The mean, with each value taken as the middle of its slot; 0 if nothing was recorded.
    package var mean: Double {
        guard totalCount > 0 else { return 0 }
        let sum = recorded.reduce(0.0) { $0 + Double(layout.medianEquivalent($1.value)) * Double($1.count) }
        return sum / Double(totalCount)
    }

    /// The standard deviation of the recorded values themselves, not an estimate for what they are a sample of.
    package var standardDeviation: Double {
        guard totalCount > 0 else { return 0 }
        let mean = mean
        let sum = recorded.reduce(0.0) { sum, entry in
            let difference = Double(layout.medianEquivalent(entry.value)) - mean
            return sum + difference * difference * Double(entry.count)
        }
        return (sum / Double(totalCount)).squareRoot()
    }

    /// The smallest value of each slot that has any, with its count, in ascending order.
    package var recorded: [(value: Int, count: Int)] {
        counts.indices.filter { counts[$0] > 0 }.map { (layout.value(ofSlot: $0), counts[$0]) }
    }
}
