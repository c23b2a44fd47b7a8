import PacelineCluster
package import PacelineSpeculation
package import PacelineWire

/// The language of the mock target. The token that follows a prefix is an integer function of the prefix and the seed,
/// so every simulated output has an oracle.
///
/// Three tokens out of four follow from the two before them, so that n-gram lookup has something to find. The fourth
/// depends on the whole prefix, so that one wrong token changes all that follow.
///
/// In a tagged text every token also says where it belongs. A token is `letter + 64 * tag`, and the tag is a hash of
/// the request's seed and the whole prefix. Tokens of prompts have no tag.
package enum MockText {
    package static let vocabularySize = 1024
    /// Letters are below this, and so are the tokens of texts without tags.
    static let alphabet: UInt64 = 64
    /// How many tags there are; prompts have tag 0.
    private static let tags: UInt64 = UInt64(vocabularySize) / alphabet

    /// The fingerprint of a model of this language; another `hash` or size makes it one of another language.
    package static func fingerprint(
        of model: String,
        hash: UInt8 = 7,
        vocabularySize: Int = vocabularySize,
        tokenCount: Int? = nil
    ) -> ModelFingerprint {
        ModelFingerprint(
            tokenizerHash: [UInt8](repeating: hash, count: 32),
            vocabularySize: vocabularySize,
            tokens: ModelFingerprint.Tokens(
                hash: [UInt8](repeating: hash &+ 1, count: 32),
                count: tokenCount ?? vocabularySize
            ),
            model: model
        )
    }

    /// What plain decoding emits.
    ///
    /// - Parameter minimum: so many tokens come before any of `stops`.
    package static func plain(
        prompt: [Token],
        seed: UInt64,
        count: Int,
        stops: Set<Token> = [],
        minimum: Int = 0,
        isTagged: Bool = false
    ) -> [Token] {
        let mask = TokenMask(stops, below: prompt.count + minimum)
        var prefix = MockPrefix(prompt, isTagged: isTagged)
        var text: [Token] = []
        while text.count < count {
            let token = prefix.next(seed: seed, mask: mask)
            text.append(token)
            prefix.append(token)
            if text.count > minimum, stops.contains(token) { break }
        }
        return text
    }

    /// The seed of a request's text by a model of another generation, which gives equal requests other texts.
    ///
    /// - Parameter dialect: 0 for the model that drafters agree with.
    static func seed(_ seed: UInt64, dialect: Int) -> UInt64 {
        dialect == 0 ? seed : mix(seed ^ UInt64(dialect) << 32 ^ 0x4449_414c)
    }

    /// A letter as a token of the request's text after a prefix.
    ///
    /// - Parameter prefix: hash of the whole prefix.
    static func tagged(_ letter: Token, seed: UInt64, prefix: BaseHash) -> Token {
        let tag = 1 + mix(prefix.rawValue ^ mix(seed ^ 0x5441_4753)) % (tags - 1)
        return letter % Token(alphabet) + Token(alphabet * tag)
    }

    /// How many of the tokens after a prefix do not belong to the request's text.
    ///
    /// - Parameter prefix: extended by `tokens`.
    static func foreignTokens(in tokens: some Sequence<Token>, seed: UInt64, prefix: inout BaseHash) -> Int {
        var foreign = 0
        for token in tokens {
            if token != tagged(token, seed: seed, prefix: prefix) { foreign += 1 }
            prefix.append(token)
        }
        return foreign
    }

    /// A number that looks random and is a function of `value`.
    static func mix(_ value: UInt64) -> UInt64 {
        var random = SplitMix(seed: value)
        return random.next()
    }
}

/// What the mock language needs to know of a prefix: cheap to extend token by token.
struct MockPrefix {
    let isTagged: Bool
    private(set) var hash: BaseHash
    private(set) var count: Int
    /// The last two tokens; there are fewer at the very beginning.
    private var last: (before: Token, last: Token) = (0, 0)

    init(_ tokens: [Token], isTagged: Bool) {
        self.isTagged = isTagged
        hash = BaseHash()
        count = 0
        for token in tokens { append(token) }
    }

    mutating func append(_ token: Token) {
        hash.append(token)
        count += 1
        last = (last.last, token)
    }

    func appending(_ tokens: some Sequence<Token>) -> MockPrefix {
        var longer = self
        for token in tokens {
            longer.append(token)
        }
        return longer
    }

    /// The target's own token here: the next letter's that is not masked, unless all are.
    func next(seed: UInt64, mask: TokenMask = .none) -> Token {
        let letter = nextLetter(seed: seed)
        let masked = mask.tokens(at: count)
        guard !masked.isEmpty else { return token(letter, seed: seed) }
        let others = (0..<MockText.alphabet).lazy.map { token((letter + $0) % MockText.alphabet, seed: seed) }
        return others.first { !masked.contains($0) } ?? token(letter, seed: seed)
    }

    /// The log-probability that the target claims for a token here. Like a model's, it does not depend on the seed.
    func score(_ token: Token, top: Int) -> TokenLogProbability {
        let best = (0..<Token(top)).map { Candidate(token: $0, logProbability: -Float($0) - claim(0)) }
        return TokenLogProbability(token: token, logProbability: -claim(token), top: best)
    }

    private func claim(_ token: Token) -> Float {
        Float(MockText.mix(hash.rawValue ^ UInt64(token)) % 4096) / 64
    }

    private func nextLetter(seed: UInt64) -> UInt64 {
        let whole = MockText.mix(hash.rawValue ^ MockText.mix(seed ^ UInt64(count)))
        guard whole & 3 != 0 else { return (whole >> 8) % MockText.alphabet }
        // Token 0 has letter 0, as nothing has.
        let pair = letter(last.before) << 32 | letter(last.last)
        return MockText.mix(pair ^ seed) % MockText.alphabet
    }

    /// A letter as a token that could stand here.
    func token(_ letter: UInt64, seed: UInt64) -> Token {
        isTagged ? MockText.tagged(Token(letter), seed: seed, prefix: hash) : Token(letter)
    }

    private func letter(_ token: Token) -> UInt64 {
        isTagged ? UInt64(token) % MockText.alphabet : UInt64(token)
    }
}
