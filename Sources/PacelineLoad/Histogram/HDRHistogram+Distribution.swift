import Foundation

extension HDRHistogram {
    /// One step on the way from 0 to 100 %.
    package struct Step: Sendable, Hashable {
        /// The value that `percentile` of the recorded ones do not exceed.
        package let value: Int
        /// 0 to 100.
        package let percentile: Double
        /// How many recorded values are not larger.
        package let count: Int
    }

    /// The distribution in steps that become shorter as they approach 100 %.
    ///
    /// - Parameter ticksPerHalfDistance: steps for each halving of what is left, at least 1.
    package func steps(ticksPerHalfDistance: Int = 5) -> [Step] {
        var steps: [Step] = []
        var (sum, level) = (0, 0.0)
        for entry in recorded {
            sum += entry.count
            let value = layout.highestEquivalent(entry.value)
            while 100 * Double(sum) / Double(totalCount) >= level {
                steps.append(Step(value: value, percentile: level, count: sum))
                guard sum < totalCount else {
                    steps.append(Step(value: value, percentile: 100, count: sum))
                    return steps
                }
                level += Self.stride(at: level, ticks: max(1, ticksPerHalfDistance))
            }
        }
        return steps
    }

    private static func stride(at level: Double, ticks: Int) -> Double {
        let halvings = log2(100 / (100 - level)).rounded(.down)
        return 100 / (Double(ticks) * exp2(halvings + 1))
    }

    /// The distribution as text in the format of HdrHistogram's `.hgrm` files.
    ///
    /// - Parameters:
    ///   - scale: recorded units for each unit of the text.
    ///   - ticksPerHalfDistance: see ``steps(ticksPerHalfDistance:)``.
    package func distribution(scale: Double = 1, ticksPerHalfDistance: Int = 5) -> String {
        let digits = layout.significantDigits
        func number(_ value: Double) -> String { String(format: "%12.\(digits)f", value) }
        var text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
        for step in steps(ticksPerHalfDistance: ticksPerHalfDistance) {
            text += number(Double(step.value) / scale)
            text += String(format: " %2.12f %10d", step.percentile / 100, step.count)
            if step.percentile < 100 { text += String(format: " %14.2f", 1 / (1 - step.percentile / 100)) }
            text += "\n"
        }
        text += "#[Mean    = \(number(mean / scale)), StdDeviation   = \(number(standardDeviation / scale))]\n"
        text += "#[Max     = \(number(Double(maximum) / scale)), Total count    = "
        text += String(format: "%12d]\n", totalCount)
        text += String(format: "#[Buckets = %12d, SubBuckets     = %12d]\n", layout.bucketCount, layout.subBucketCount)
        return text
    }
}
