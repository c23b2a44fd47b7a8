extension Duration {
    /// Whole nanoseconds, clamped to the range of `Int64`.
    package var saturatedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, sumOverflow) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return sumOverflow ? (seconds < 0 ? .min : .max) : sum
    }

    /// The length in milliseconds, for reports and for arithmetic with measured costs.
    package var inMilliseconds: Double {
        Double(saturatedNanoseconds) / 1_000_000
    }

    /// The duration of a measured or computed number of milliseconds; NaN and negative numbers become zero.
    package static func fromMilliseconds(_ milliseconds: Double) -> Duration {
        guard milliseconds > 0 else { return .zero }
        return .nanoseconds(Int64(min(milliseconds * 1_000_000, 9e18)))
    }
}
