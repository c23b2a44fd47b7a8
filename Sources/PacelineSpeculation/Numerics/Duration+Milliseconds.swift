extension Duration {
    /// Whole nanoseconds, clamped to the range of `Int64`.
    package var saturatedNanoseconds: Int64 {
        let attoseconds = attoseconds
        // Nine seconds fit a word, and most spans are shorter: that division is ten times as quick.
        let word = Int64(truncatingIfNeeded: attoseconds)
        if Int128(word) == attoseconds { return word / 1_000_000_000 }
        return Int64(clamping: attoseconds / 1_000_000_000)
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
