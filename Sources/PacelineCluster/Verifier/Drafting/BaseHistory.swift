import PacelineSpeculation

/// A sequence's committed tokens and the names its base had, which is how a tree that is rooted at an earlier base is
/// told from one that is rooted at none of ours.
struct BaseHistory: Sendable {
    /// Commits that can be told once more.
    static let limit = 256
    /// How many names a tree may be rooted at.
    private static let rootLimit = 16

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
        // Seldom, because it moves all that stay.
        if marks.count > 2 * Self.limit { marks.removeFirst(Self.limit - 1) }
    }

    /// What was committed since the base was called `mark`; nil if it never was, or too long ago.
    func committed(since mark: BaseMark) -> [Token]? {
        guard marks.suffix(Self.rootLimit).contains(mark) else { return nil }
        return Array(tokens[mark.length...])
    }

    /// The last `count` commits, at most ``limit``, in their order: the tokens of each, and the base that it made.
    func commits(last count: Int) -> [(tokens: [Token], mark: BaseMark)] {
        zip(marks, marks.dropFirst()).suffix(min(count, Self.limit)).map { before, after in
            (Array(tokens[before.length..<after.length]), after)
        }
    }
}
