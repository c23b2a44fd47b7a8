/// Sums and products of sizes that a file or a flag states. Overflow gives the largest number, which no real size
/// reaches, instead of a trap.
extension Int {
    package func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// Neither number may be negative.
    package func multipliedClamped(by other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
