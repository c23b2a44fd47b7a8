import PacelineCluster
import PacelineSpeculation
import PacelineWire

/// The language of the mock target: which token follows a prefix is a hash of the prefix and the seed, and every token
/// carries a tag of the prefix it belongs after.
///
/// A token is `choice + 16 * hash tag + 256 * position tag`. A node of a tree that is rooted at the wrong base bears
/// the wrong tags, so a pass that gets to see one is found out.
struct TaggedText {
    static let vocabularySize = 4096
    static let choices: UInt64 = 16

    /// What a model of this language says of itself; with another `hash` or size it is one of another language.
    static func fingerprint(
        of model: String,
        hash: UInt8 = 7,
        vocabularySize: Int = vocabularySize,
        tokenCount: Int? = nil
    ) -> ModelFingerprint {
        ModelFingerprint(
            tokenizerHash: [UInt8](repeating: hash, count: 32),
            vocabularySize: vocabularySize,
            tokens: ModelFingerprint.Tokens(
                hash: [UInt8](repeating: hash, count: 32),
                count: tokenCount ?? vocabularySize
            ),
            model: model
        )
    }

    private var hash = BaseHash()
    private var position = 0

    /// The place behind `prefix`.
    init(after prefix: some Sequence<Token>) {
        append(prefix)
    }

    mutating func append(_ tokens: some Sequence<Token>) {
        for token in tokens {
            hash.append(token)
            position += 1
        }
    }

    /// The place behind further tokens.
    func appending(_ tokens: some Sequence<Token>) -> TaggedText {
        var place = self
        place.append(tokens)
        return place
    }

    /// The target's own token here.
    func next(seed: UInt64) -> Token {
        tagged(Self.mix(Self.mix(hash.rawValue) ^ seed))
    }

    /// Some token that could stand here, with the tags that one must have.
    func tagged(_ choice: UInt64) -> Token {
        let tag = Self.mix(hash.rawValue) >> 32 & 15
        return Token(choice % Self.choices + 16 * tag + 256 * UInt64(position & 15))
    }

    /// Whether `token` bears the tags of this place.
    func fits(_ token: Token) -> Bool {
        tagged(UInt64(token)) == token
    }

    /// What plain decoding emits: the oracle of every identity test.
    static func plain(prompt: [Token], seed: UInt64, count: Int, stops: Set<Token> = []) -> [Token] {
        var place = TaggedText(after: prompt)
        var tokens: [Token] = []
        while tokens.count < count {
            let token = place.next(seed: seed)
            tokens.append(token)
            place.append(CollectionOfOne(token))
            if stops.contains(token) { break }
        }
        return tokens
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var random = SplitMix(seed: value)
        return random.next()
    }
}
