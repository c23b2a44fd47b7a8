package import PacelineSpeculation

/// What a simulated worker drafts with.
package enum DrafterKind: Hashable, Sendable {
    /// A model that agrees with the target with this probability, and knows it.
    case model(agreement: Double)
    /// The same once it has the target's features that it reads. It checks that they are those of its text.
    case head(agreement: Double, reads: FeatureDemand)
    /// Always wrong, and sure of itself.
    case liar
    /// A model that fails after a while.
    case failing(agreement: Double)
    /// Prompt lookup.
    case ngram
    /// Arbitrary tokens with arbitrary confidence.
    case random

    /// Whether it runs no model, so that a step takes next to no time.
    var isModelFree: Bool { self == .ngram }

    /// Whether its tokens bear the tags of the place for which it proposes them, if the text has tags.
    var isTagged: Bool { self != .ngram && self != .random }

    /// Which features of the target it reads; nil for none.
    var features: FeatureDemand? {
        if case .head(_, let demand) = self { demand } else { nil }
    }
}

extension DrafterKind: CustomStringConvertible {
    /// What the names of all heads begin with.
    static let headName = "head("

    package var description: String {
        switch self {
        case .model(let agreement): "model(agreement: \(agreement))"
        case .head(let agreement, _): "\(Self.headName)agreement: \(agreement))"
        case .liar: "liar"
        case .failing(let agreement): "failing(agreement: \(agreement))"
        case .ngram: "ngram"
        case .random: "random"
        }
    }
}
