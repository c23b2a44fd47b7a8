import Glibc

/// The learning rate by step: it rises evenly, then falls along half a cosine (SGDR, arXiv 1608.03983).
package struct LearningRate: Equatable, Sendable {
    package var peak: Double
    package var warmUpSteps: Int
    package var totalSteps: Int
    /// What is left of the peak at the end.
    package var finalShare: Double

    package init(peak: Double, warmUpSteps: Int, totalSteps: Int, finalShare: Double = 0.1) {
        (self.peak, self.warmUpSteps) = (peak, warmUpSteps)
        (self.totalSteps, self.finalShare) = (totalSteps, finalShare)
    }

    /// The rate of a step, from 0. After the last step it stays what it was.
    package func rate(step: Int) -> Double {
        guard step >= warmUpSteps else { return peak * Double(step + 1) / Double(warmUpSteps) }
        let length = max(1, totalSteps - warmUpSteps)
        let progress = min(1, Double(step - warmUpSteps) / Double(length))
        return peak * (finalShare + (1 - finalShare) * 0.5 * (1 + cos(.pi * progress)))
    }
}
