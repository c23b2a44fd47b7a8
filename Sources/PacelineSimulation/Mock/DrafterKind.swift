/// What a simulated worker drafts with.
package enum DrafterKind: Hashable, Sendable {
    /// A model that agrees with the target with this probability, and knows it.
    case model(agreement: Double)
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
}
