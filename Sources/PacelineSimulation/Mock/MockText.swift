import PacelineCluster
package import PacelineSpeculation
import PacelineWire

/// The language of the mock target: which token follows a prefix is an exact function of the prefix, the seed and the
/// position, made of integers alone, so that every simulated output has an oracle.
///
/// Three tokens out of four follow from the two before them, so that n-gram lookup has something to find; the fourth
/// depends on the whole prefix, so that one wrong token changes all that follow.
package enum MockText {
    package static let vocabularySize = 1024
    /// Tokens that the target ever emits are below this.
    static let alphabet: UInt64 = 64

    /// What a model of this language says of itself.
    static func fingerprint(of model: String) -> ModelFingerprint {
        ModelFingerprint(
            tokenizerHash: [UInt8](repeating: 7, count: 32),
            vocabularySize: vocabularySize,
            tokens: ModelFingerprint.Tokens(hash: [UInt8](repeating: 8, count: 32), count: vocabularySize),
            model: model
        )
    }

    /// The target's own token after a prefix.
    ///
    /// - Parameters:
    ///   - hash: of the whole prefix.
    ///   - last: the prefix's last two tokens, or fewer.
    ///   - position: how many tokens the prefix has.
    static func next(hash: BaseHash, last: some BidirectionalCollection<Token>, position: Int, seed: UInt64) -> Token {
        let whole = mix(hash.rawValue ^ mix(seed ^ UInt64(position)))
        guard whole & 3 != 0 else { return Token((whole >> 8) % alphabet) }
        let pair = last.suffix(2).reduce(UInt64(0)) { $0 << 32 | UInt64($1) }
        return Token(mix(pair ^ seed) % alphabet)
    }

    /// What plain decoding emits.
    package static func plain(prompt: [Token], seed: UInt64, count: Int, stops: Set<Token> = []) -> [Token] {
        var text = prompt
        var hash = BaseHash(prompt)
        while text.count < prompt.count + count {
            let token = next(hash: hash, last: text.suffix(2), position: text.count, seed: seed)
            text.append(token)
            hash.append(token)
            if stops.contains(token) { break }
        }
        return Array(text[prompt.count...])
    }

    /// A number that looks random and is a function of `value`.
    static func mix(_ value: UInt64) -> UInt64 {
        var random = SplitMix(seed: value)
        return random.next()
    }
}

/// A prefix of some text as far as the mock language needs to know it: cheap to extend token by token.
struct MockPrefix {
    private(set) var hash: BaseHash
    private(set) var count: Int
    private var last: [Token]

    init(_ tokens: [Token]) {
        hash = BaseHash(tokens)
        count = tokens.count
        last = Array(tokens.suffix(2))
    }

    mutating func append(_ token: Token) {
        hash.append(token)
        count += 1
        last = Array(last.suffix(1)) + [token]
    }

    func appending(_ tokens: some Sequence<Token>) -> MockPrefix {
        var longer = self
        for token in tokens {
            longer.append(token)
        }
        return longer
    }

    /// The target's own token here.
    func next(seed: UInt64) -> Token {
        MockText.next(hash: hash, last: last, position: count, seed: seed)
    }
}
