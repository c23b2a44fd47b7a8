/// A drafter cannot work for a target because their vocabularies differ.
package struct VocabularyMismatchError: Error, Equatable, CustomStringConvertible {
    /// One of the two models.
    package struct Side: Sendable, Equatable {
        /// The model as the user named it.
        package let name: String
        package let tokenCount: Int
        package let fingerprint: TokenizerFingerprint

        package init(name: String, tokenCount: Int, fingerprint: TokenizerFingerprint) {
            self.name = name
            self.tokenCount = tokenCount
            self.fingerprint = fingerprint
        }
    }

    package let target: Side
    package let drafter: Side

    package init(target: Side, drafter: Side) {
        self.target = target
        self.drafter = drafter
    }

    package var description: String {
        "the drafter \(Self.text(drafter)) does not share the vocabulary of the target \(Self.text(target)); "
            + "use a drafter of the target's family or a model-free one, or let this one propose the target's tokens: "
            + "-md NAME:tokenizer=TARGET"
    }

    private static func text(_ side: Side) -> String {
        "\(side.name) (\(side.tokenCount) tokens, tokenizer \(side.fingerprint.short))"
    }
}
