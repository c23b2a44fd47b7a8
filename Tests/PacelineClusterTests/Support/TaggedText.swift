import PacelineCluster
import PacelineSpeculation

/// The language of the mock target: which token follows a prefix is a hash of the prefix and the seed, and every token
/// carries a tag of the prefix it belongs after.
///
/// A token is `choice + 16 * hash tag + 256 * position tag`. A node of a tree that is rooted at the wrong base bears
/// the wrong tags, so a pass that gets to see one is found out.
enum TaggedText {
    static let vocabularySize = 4096
    private static let choices: UInt64 = 16

    /// The target's own token after `prefix`.
    static func next(after prefix: some Swift.Sequence<Token>, seed: UInt64) -> Token {
        let hash = hash(prefix)
        return token(choice: mix(hash ^ seed) % choices, hash: hash, position: count(prefix))
    }

    /// Some token that could follow `prefix`, with the tags that one must have.
    static func tagged(choice: UInt64, after prefix: some Swift.Sequence<Token>) -> Token {
        token(choice: choice % choices, hash: hash(prefix), position: count(prefix))
    }

    /// Whether `token` bears the tags of `prefix`.
    static func fits(_ token: Token, after prefix: some Swift.Sequence<Token>) -> Bool {
        tagged(choice: UInt64(token) % choices, after: prefix) == token
    }

    /// What plain decoding emits: the oracle of every identity test.
    static func plain(prompt: [Token], seed: UInt64, count: Int, stops: Set<Token> = []) -> [Token] {
        var text = prompt
        while text.count < prompt.count + count {
            let token = next(after: text, seed: seed)
            text.append(token)
            if stops.contains(token) { break }
        }
        return Array(text[prompt.count...])
    }

    private static func token(choice: UInt64, hash: UInt64, position: Int) -> Token {
        Token(choice + 16 * (hash >> 32 & 15) + 256 * UInt64(position & 15))
    }

    private static func count(_ prefix: some Swift.Sequence<Token>) -> Int {
        prefix.reduce(0) { count, _ in count + 1 }
    }

    private static func hash(_ prefix: some Swift.Sequence<Token>) -> UInt64 {
        mix(BaseHash(prefix).rawValue)
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var random = SplitMix(seed: value)
        return random.next()
    }
}
