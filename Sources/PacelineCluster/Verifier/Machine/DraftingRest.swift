/// Why a worker that could draft is not asked to, as it was measured.
package enum DraftingRest: Sendable, Equatable {
    /// Hardly a token of its trees was the target's.
    case useless(tokensPerVerdict: Double)
    /// With drafting, whoever did it, requests were slower than without.
    case slower(speedUp: Double)
}

extension DraftingRest: CustomStringConvertible {
    package var description: String {
        switch self {
        case .useless(let tokens):
            "\(Self.hundredths(tokens)) drafted tokens were accepted per verdict, over \(WorkerYield.trial) or more"
        case .slower(let speedUp):
            "drafting ran at \(Self.hundredths(speedUp)) times the speed of plain decoding"
        }
    }

    private static func hundredths(_ value: Double) -> Double {
        (value * 100).rounded() / 100
    }
}
