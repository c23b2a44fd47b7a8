/// Sums and products of sizes that a file or a flag states: beyond what fits they stay at the largest number, which
/// is more than there is of anything, instead of ending the process.
extension Int {
    package func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// Of numbers that are not negative.
    package func multipliedClamped(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
