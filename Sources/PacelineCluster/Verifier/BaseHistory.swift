import PacelineSpeculation

/// A sequence's committed tokens and the names its base had, which is how a tree that is rooted at an earlier base is
/// told from one that is rooted at none of ours.
struct BaseHistory: Sendable {
    /// How many names are remembered.
    private static let limit = 16

    /// Committed tokens, prompt included; never empty.
    private(set) var tokens: [Token]
    /// Oldest first; never empty.
    private var marks: [BaseMark]

    init(prompt: [Token]) {
        tokens = prompt
        marks = [BaseMark(epoch: 0, length: prompt.count, hash: BaseHash(prompt))]
    }

    /// Names the base as it is now.
    var mark: BaseMark {
        marks[marks.count - 1]
    }

    mutating func commit(_ committed: [Token]) {
        tokens += committed
        marks.append(mark.advanced(by: committed))
        if marks.count > Self.limit { marks.removeFirst() }
    }

    /// What was committed since the base was called `mark`; nil if it never was, or too long ago.
    func committed(since mark: BaseMark) -> [Token]? {
        guard marks.contains(mark) else { return nil }
        return Array(tokens[mark.length...])
    }
}
