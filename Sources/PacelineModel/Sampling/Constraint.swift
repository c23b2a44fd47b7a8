package import PacelineGrammar
package import PacelineSpeculation

/// What the text of a request must be: a part of its law, as the sampling parameters are.
package struct Constraint: Sendable {
    package typealias Beginning = DraftConstraint.Beginning

    package let source: GrammarSource
    /// The source as drafters get it.
    private let json: String
    package let beginning: Beginning
    package let tokenizer: Tokenizer
    let grammar: Grammar

    /// Compiles a grammar for texts of a model.
    ///
    /// - Throws: ``GrammarError``.
    package init(
        _ source: GrammarSource,
        beginning: Beginning = .first,
        tokenizer: Tokenizer
    ) throws(GrammarError) {
        try self.init(source, json: source.json, beginning: beginning, tokenizer: tokenizer)
    }

    /// Compiles what a drafter was told.
    ///
    /// - Parameter tokenizer: of the target, or one with the same tokens.
    /// - Throws: ``GrammarError``.
    package init(_ draft: DraftConstraint, tokenizer: Tokenizer) throws(GrammarError) {
        let source = try GrammarSource(json: draft.grammar)
        try self.init(source, json: draft.grammar, beginning: draft.beginning, tokenizer: tokenizer)
    }

    private init(
        _ source: GrammarSource,
        json: String,
        beginning: Beginning,
        tokenizer: Tokenizer
    ) throws(GrammarError) {
        (self.source, self.json, self.beginning, self.tokenizer) = (source, json, beginning, tokenizer)
        // Models put a line or two between their thoughts and the answer.
        grammar = try Grammar(beginning == .first ? source : .sequence([.regex("\\n{0,2}"), source]))
    }

    /// What drafters of a sequence are told.
    package func draft(promptLength: Int) -> DraftConstraint {
        DraftConstraint(grammar: json, beginning: beginning, promptLength: promptLength)
    }

    /// Whether a grammar takes all of some tokens, for those who go on behind them.
    package func takes(_ tokens: [Token]) -> Bool {
        let cursor = ConstraintCursor(self)
        return tokens.allSatisfy { cursor.advance(by: $0) }
    }
}

extension Constraint: Equatable {
    package static func == (left: Constraint, right: Constraint) -> Bool {
        (left.source, left.beginning) == (right.source, right.beginning)
            && left.tokenizer.fingerprint == right.tokenizer.fingerprint
    }
}

extension Tokenizer {
    /// The tokens that may stand in a constrained text: those of text, and those that end a generation.
    func makeTrie() -> VocabularyTrie {
        let tokens = (0..<Token(tokenCount)).lazy.filter { !self.isControl($0) }
        return VocabularyTrie(
            tokens.map { ($0, self.vocabulary.bytes(of: $0)) },
            vocabularySize: tokenCount,
            endTokens: endOfGeneration,
            dropsFirstSpace: dropsSpacePrefix
        )
    }

    private func isControl(_ token: Token) -> Bool {
        Self.specialKinds.contains(vocabulary.kind(of: token))
    }

    /// Whether a text that begins with a space would lose it.
    private var dropsSpacePrefix: Bool {
        guard case .sentencePiece(let model) = algorithm else { return false }
        return model.addsSpacePrefix
    }

    /// The token that is exactly this marker, whatever its kind; nil if the vocabulary has none.
    func marker(_ name: String) -> Token? {
        (0..<Token(tokenCount)).first { vocabulary.bytes(of: $0).elementsEqual(name.utf8) }
    }
}
