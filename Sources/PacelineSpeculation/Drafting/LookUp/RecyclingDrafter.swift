/// Drafts the tokens that lately followed a token: Token Recycling (Luo et al. 2024, arXiv 2408.08696).
///
/// A table holds for each token the `successors` that last followed it, the latest first. Following the table from the
/// base's last token gives a tree; the paper's fixed tree is the one that best-first growth gives for these
/// probabilities, which depend on the rank alone and are calibrated like any others.
///
/// The paper fills the table with the target's most probable tokens at every node that it verifies, rejected ones
/// too. A worker sees no logits of the target. It learns from committed tokens, the prompt's included, and from what
/// the other drafters of its worker propose: beside a model that gives the model's most probable tokens. Alone it
/// knows less than the paper's.
///
/// Needs a table of `memory` bytes at most, which all sequences of a worker share. Lossless. Worth it as an addition
/// where nothing repeats literally, since it needs a context of one token only.
package struct RecyclingDrafter: Drafter {
    /// Of the drafter's preferred successor, and of each next one relative to the one before.
    private static let shares = (first: 0.3, next: 0.5)

    private let table: SuccessorTable
    private var last: Token?

    package init(table: SuccessorTable) {
        self.table = table
    }

    package var isModelFree: Bool { true }

    package mutating func begin(base: [Token], sampling: SamplingParameters) {
        last = nil
        follow(base)
    }

    package func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) -> [[Candidate]] {
        for node in tree.indices {
            // The table must not confirm itself, so a token that it knows already keeps its rank.
            if let before = tree.parent(of: node).map({ tree.token(of: $0) }) ?? last {
                table.suggest(tree.token(of: node), after: before)
            }
        }
        return nodes.map { node in
            guard let before = node.map({ tree.token(of: $0) }) ?? last else { return [] }
            var belief = Self.shares.first
            return table.successors(of: before).prefix(width).map { token in
                defer { belief *= Self.shares.next }
                return Candidate(token: token, logProbability: Float(Double.logarithm(belief)))
            }
        }
    }

    package mutating func advance(_ rerooting: Rerooting) {
        follow(rerooting.committed)
    }

    private mutating func follow(_ tokens: [Token]) {
        for token in tokens {
            if let last { table.record(token, after: last) }
            last = token
        }
    }
}

/// For each token those that lately followed it, in bounded memory: when it is full, the half that was used longest ago
/// is forgotten. Shared by drafters that run on one thread.
package final class SuccessorTable {
    /// A row takes about this many bytes besides its tokens.
    private static let bytesPerRow = 80

    private let width: Int
    private let rowLimit: Int
    private var young: [Token: [Token]] = [:]
    private var old: [Token: [Token]] = [:]

    /// - Parameters:
    ///   - width: successors of a token to remember; raised to at least 1.
    ///   - memory: the most bytes to take, about; room for 16 tokens at least.
    package init(width: Int = 8, memory: Int) {
        self.width = Swift.max(1, width)
        rowLimit = Swift.max(16, memory / (Self.bytesPerRow + 4 * self.width))
    }

    /// Tokens whose successors are known.
    package var count: Int { young.count + old.keys.count { young[$0] == nil } }

    func successors(of token: Token) -> [Token] {
        young[token] ?? old[token] ?? []
    }

    /// A token has followed another: it becomes the first of its successors.
    func record(_ token: Token, after before: Token) {
        var row = successors(of: before)
        row.removeAll { $0 == token }
        row.insert(token, at: 0)
        store(row, for: before)
    }

    /// A token may follow another: it becomes the last of its successors if there is room and it is not known.
    func suggest(_ token: Token, after before: Token) {
        let row = successors(of: before)
        guard row.count < width, !row.contains(token) else { return }
        store(row + [token], for: before)
    }

    private func store(_ row: [Token], for token: Token) {
        young[token] = Array(row.prefix(width))
        guard young.count > rowLimit / 2 else { return }
        old = young
        young = [:]
    }
}
