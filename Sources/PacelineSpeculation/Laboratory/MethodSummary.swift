/// What one method did on several prompts.
package struct MethodSummary: Sendable {
    /// A mean over prompts and how far single prompts are from it.
    package struct Spread: Sendable, Hashable {
        package var mean: Double
        /// The standard deviation over prompts.
        package var deviation: Double
    }

    package let prompts: Int
    /// Of them, those whose text is plain decoding's.
    package let plainTexts: Int
    package let figures: MethodFigures
    /// By depth, less 1: how often the target took a child of a node that it came to. The mean is over all rounds; the
    /// deviation over the prompts that came so deep.
    package let acceptance: [Spread]
    /// Milliseconds a pass.
    package let drafting: Double?
    package let verifying: Double?
    package let tokensPerSecond: Double?
    /// Of all prompts together: how many times faster than plain decoding beside it.
    package let speedUp: Double?
    /// The least speed-up of a prompt.
    package let worst: Double?

    /// - Parameter cells: of one method. Of several trials, medians count.
    package init(_ cells: [MethodCell]) {
        prompts = cells.count
        plainTexts = cells.count { $0.isPlain ?? true }
        let figures = cells.reduce(into: MethodFigures()) { $0 += $1.figures }
        self.figures = figures
        acceptance = (1...Swift.max(1, figures.reached.count)).compactMap { depth in
            figures.acceptance(atDepth: depth).map { mean in
                let shares = cells.compactMap { $0.figures.acceptance(atDepth: depth) }
                return Spread(mean: mean, deviation: Self.deviation(shares))
            }
        }
        let drafting = cells.compactMap { Self.median($0.trials.map(\.drafting)) }.reduce(0, +)
        let verifying = Self.sum(cells) { $0.verifying }
        let plain = Self.sum(cells) { $0.plain }
        let passes = Double(figures.passes)
        self.drafting = passes > 0 ? drafting / passes : nil
        self.verifying = passes > 0 ? verifying.map { $0 / passes } : nil
        tokensPerSecond = verifying.flatMap { Self.quotient(Double(figures.tokens) * 1000, drafting + $0) }
        speedUp = verifying.flatMap { verifying in plain.flatMap { Self.quotient($0, drafting + verifying) } }
        worst = cells.compactMap { Self.median($0.trials.compactMap(\.speedUp)) }.min()
    }

    /// The middle of some values; the mean of the two in the middle; nil of none.
    package static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The sum of the cells' medians; nil if a cell has none.
    private static func sum(_ cells: [MethodCell], _ value: (MethodCell.Trial) -> Double?) -> Double? {
        var sum = 0.0
        for cell in cells {
            guard let median = median(cell.trials.compactMap(value)) else { return nil }
            sum += median
        }
        return sum
    }

    private static func quotient(_ dividend: Double, _ divisor: Double) -> Double? {
        divisor > 0 ? dividend / divisor : nil
    }

    private static func deviation(_ values: [Double]) -> Double {
        guard values.count > 1 else { return 0 }
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(values.count - 1)).squareRoot()
    }
}
