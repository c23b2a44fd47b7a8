import PacelineSpeculation

/// A target for tests: its next token is a pseudo-random function of all tokens before it.
struct ScriptedTarget {
    let seed: UInt64
    let vocabulary: Token

    func nextToken(after tokens: some Sequence<Token>) -> Token {
        var hash = BaseHash(rawValue: seed)
        hash.append(tokens)
        var generator = SplitMix(seed: hash.rawValue)
        return Token.random(in: 0..<vocabulary, using: &generator)
    }

    /// What plain decoding emits after `base`.
    func continuation(of base: [Token], count: Int) -> [Token] {
        var tokens = base
        while tokens.count < base.count + count { tokens.append(nextToken(after: tokens)) }
        return Array(tokens[base.count...])
    }
}
