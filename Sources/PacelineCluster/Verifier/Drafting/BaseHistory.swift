import PacelineSpeculation

/// A sequence's committed tokens and the names that its base has had. They tell a tree that is rooted at an earlier
/// base from one that is rooted at none of ours.
struct BaseHistory: Sendable {
    /// Commits that can still be told.
    static let limit = 256
    /// The latest names, at which a tree may be rooted.
    private static let rootLimit = 16

    /// Committed tokens, prompt included; never empty.
    private(set) var tokens: [Token]
    /// Oldest first; never empty.
    private var marks: [BaseMark]

    init(base: [Token]) {
        tokens = base
        marks = [BaseMark(epoch: 0, length: base.count, hash: BaseHash(base))]
    }

    /// Names the base as it is now.
    var mark: BaseMark {
        marks[marks.count - 1]
    }

    mutating func commit(_ committed: [Token]) {
        tokens += committed
        marks.append(mark.advanced(by: committed))
        // Rarely, because it moves all that stay.
        if marks.count > 2 * Self.limit { marks.removeFirst(Self.limit - 1) }
    }

    /// What was committed since the base was called `mark`; nil if it never was, or too long ago.
    func committed(since mark: BaseMark) -> [Token]? {
        let isKnown = marks.suffix(Self.rootLimit).contains { known in
            known == mark || PlantedBug.epochNotCompared.isPlanted && known.length == mark.length
        }
        guard isKnown else { return nil }
        return Array(tokens[mark.length...])
    }

    /// The last `count` commits, at most ``limit``, in their order: the tokens of each, and the base that it made.
    func commits(last count: Int) -> [(tokens: [Token], mark: BaseMark)] {
        zip(marks, marks.dropFirst()).suffix(min(count, Self.limit)).map { before, after in
            (Array(tokens[before.length..<after.length]), after)
        }
    }
}
