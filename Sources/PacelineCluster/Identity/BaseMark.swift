package import PacelineSpeculation

/// Names a sequence's base without carrying its tokens: how many commits, how many tokens, which tokens.
package struct BaseMark: Hashable, Sendable {
    /// Commits of the sequence so far.
    package var epoch: UInt64
    /// Committed tokens, prompt included.
    package var length: Int
    /// Hash of those tokens.
    package var hash: BaseHash

    package init(epoch: UInt64, length: Int, hash: BaseHash) {
        self.epoch = epoch
        self.length = length
        self.hash = hash
    }

    /// The mark after one more commit.
    package func advanced(by tokens: [Token]) -> BaseMark {
        var hash = hash
        hash.append(tokens)
        return BaseMark(epoch: epoch + 1, length: length + tokens.count, hash: hash)
    }
}

extension BaseMark: CustomStringConvertible {
    package var description: String {
        "epoch \(epoch), \(length) tokens, hash \(hash)"
    }
}
