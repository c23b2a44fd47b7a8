package import PacelineSpeculation

/// Drafts for a target with another vocabulary: a drafter writes text in its own tokens, which is encoded again in the
/// target's (string-level exact match; Timor et al., arXiv 2502.05202).
///
/// Proposes one chain, and beside its tokens those of the drafter's other choices that are one token of both
/// vocabularies (token-level intersection, same paper). The last token of a text is held back until what follows shows
/// that it ends there. Lossless, since the target compares its own tokens. The drafter is greedy whatever the sampling:
/// the target's noise belongs to the target's tokens.
///
/// What a constraint allows is a matter of text, so it holds for the drafter's tokens: it writes the best of its
/// choices that is legal.
package final class RetokenizingDrafter: Drafter {
    /// The most tokens that the drafter writes at once for one of the target's.
    private static let stepsPerToken = 8
    /// The most tokens that the drafter writes ahead.
    fileprivate static let length = 64
    /// How many of the drafter's choices are looked through for a legal one, at least.
    private static let choices = 8

    private let target: Tokenizer
    private let drafter: Tokenizer
    private var inner: any Drafter
    private var context: RetokenizedContext
    private let compiler: ConstraintCompiler?
    /// Nil if every text is legal.
    private var constrained: ConstrainedText?
    /// Whether `inner` stands where the base ends; otherwise it has to begin again.
    private var isAligned = false
    private var writing = Writing()
    /// What the writing is in the target's tokens.
    private var plan: [Planned] = []

    /// A token of the target, and what may stand in its place.
    private struct Planned {
        var candidate: Candidate
        var others: [Candidate] = []
    }

    /// - Parameters:
    ///   - inner: a drafter with `drafter`'s vocabulary.
    ///   - drafter: the tokenizer of the model that drafts.
    ///   - target: the tokenizer whose tokens are proposed.
    ///   - compiler: for the target's tokens; nil if constraints make no difference to the drafter.
    package init(
        _ inner: any Drafter,
        drafter: Tokenizer,
        target: Tokenizer,
        compiler: ConstraintCompiler? = nil
    ) {
        (self.inner, self.drafter, self.target, self.compiler) = (inner, drafter, target, compiler)
        context = RetokenizedContext(target: target, drafter: drafter)
    }

    package var isModelFree: Bool { inner.isModelFree }

    package func begin(base: [Token], sampling: SamplingParameters) throws {
        try begin(base: base, sampling: sampling, constraint: nil)
    }

    package func begin(base: [Token], sampling: SamplingParameters, constraint: DraftConstraint?) throws {
        constrained = compiler?.text(constraint)
        constrained?.append(base)
        context = RetokenizedContext(target: target, drafter: drafter)
        try context.append(base)
        isAligned = false
        plan = []
    }

    package func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        try align()
        let paths = nodes.map { tree.tokens(onPathTo: $0) }
        for path in paths { try plan(behind: path, width: width) }
        return paths.map { path in
            guard plan.count > path.count, follows(path) else { return [] }
            let planned = plan[path.count]
            let legal = constrained?.legalTokens(behind: path) ?? .all
            return Array(([planned.candidate] + planned.others).filter { legal.contains($0.token) }.prefix(width))
        }
    }

    package func advance(_ rerooting: Rerooting) throws {
        let committed = rerooting.committed
        guard !committed.isEmpty else { return }
        try context.append(committed)
        constrained?.append(committed)
        // What counts is the text: the target may cut it otherwise than planned.
        let text = try text(of: committed)
        guard isAligned, let text, writing.text.dropFirst(writing.read).starts(with: text) else {
            (isAligned, plan) = (false, [])
            return
        }
        writing.read += text.count
        try commit(writing.finishedCount)
        try retokenize()
        if writing.isOver, plan.isEmpty { isAligned = false }
    }

    /// The bytes of tokens; nil if one of them is no text.
    private func text(of tokens: [Token]) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        for token in tokens {
            guard try !target.isSpecial(token) else { return nil }
            bytes += try target.bytes(of: token)
        }
        return bytes
    }

    private func follows(_ path: [Token]) -> Bool { plan.lazy.map(\.candidate.token).starts(with: path) }

    // MARK: Writing

    /// Lets the drafter begin behind the base, unless it stands there.
    private func align() throws {
        guard !isAligned else { return }
        let tokens = context.tokens
        writing = Writing(begun: context.unfinished)
        writing.isOver = tokens.isEmpty
        if !tokens.isEmpty { try inner.begin(base: tokens, sampling: .greedy) }
        (isAligned, plan) = (true, [])
    }

    /// Makes the plan longer than `path`, if it is a part of it and the drafter gets that far.
    private func plan(behind path: [Token], width: Int) throws {
        var steps = 0
        while plan.count <= path.count, path.starts(with: plan.map(\.candidate.token)), !writing.isOver,
            steps < Self.stepsPerToken
        {
            try write(width: width)
            try retokenize()
            steps += 1
        }
    }

    /// The drafter writes a token.
    private func write(width: Int) throws {
        let last = writing.tree.isEmpty ? nil : writing.tree.count - 1
        let legal = constrained?.legalTokens() ?? .all
        let count = max(constrained == nil ? 1 : Self.choices, width)
        let choices = try inner.expand(writing.tree, at: [last], width: count)[0].filter { try allows($0.token, legal) }
        guard let best = choices.first, writing.tree.count < Self.length else {
            writing.isOver = true
            return
        }
        if try drafter.isSpecial(best.token) || drafter.endOfGeneration.contains(best.token) {
            writing.isOver = true
            if drafter.endOfGeneration.contains(best.token) { writing.end = best }
            return
        }
        let bytes = try drafter.bytes(of: best.token)
        writing.isOver = !writing.allows(bytes)
        if !writing.isOver { try writing.append(best, bytes: bytes, others: Array(choices.dropFirst())) }
    }

    /// Whether the drafter's token may go on with the writing.
    ///
    /// - Parameter legal: behind the base.
    private func allows(_ token: Token, _ legal: LegalTokens) throws -> Bool {
        guard case .constrained = legal else { return true }
        let isSpecial = try drafter.isSpecial(token) || drafter.endOfGeneration.contains(token)
        let text = writing.text + (isSpecial ? [] : try drafter.bytes(of: token))
        let behind = legal.behind(text.dropFirst(writing.read))
        guard isSpecial else { return !behind.isEmpty }
        guard drafter.endOfGeneration.contains(token), let end = try targetEnd(token) else { return false }
        return behind.contains(end)
    }

    /// The first `count` tokens of the writing have become part of the base.
    private func commit(_ count: Int) throws {
        guard count > 0 else { return }
        let rerooting = writing.tree.reroot(after: writing.tree.prefix(count).map(\.token))
        try inner.advance(rerooting)
        writing.commit(count, rerooting.tree)
    }

    // MARK: The target's tokens

    private func retokenize() throws {
        plan = []
        let unread = writing.text.dropFirst(writing.read)
        let whole = Array(unread.dropLast(UTF8Scanner.unfinishedCount(of: writing.text)))
        var tokens = try targetTokens(whole)
        if !writing.isOver, !tokens.isEmpty { tokens.removeLast() }
        var start = writing.read
        for token in tokens {
            let end = start + (try target.bytes(of: token).count)
            let belief = writing.belief(start..<end)
            var planned = Planned(candidate: Candidate(token: token, logProbability: belief))
            planned.others = try writing.others(at: start).compactMap { other in
                target.token(spelled: try drafter.bytes(of: other.token)).map {
                    Candidate(token: $0, logProbability: other.logProbability)
                }
            }
            planned.others.removeAll { $0.token == token }
            plan.append(planned)
            start = end
        }
        if let end = writing.end, let token = try targetEnd(end.token) {
            plan.append(Planned(candidate: Candidate(token: token, logProbability: end.logProbability)))
        }
    }

    /// A text behind the base in the target's tokens; none if the text before it would be cut otherwise.
    private func targetTokens(_ text: [UInt8]) throws -> [Token] {
        guard !text.isEmpty else { return [] }
        let both = try context.windowBytes() + text
        let tokens = target.encode(String(decoding: both, as: UTF8.self), parseSpecial: false)
        var (first, left) = (tokens.count, text.count)
        while left > 0, first > 0 {
            first -= 1
            left -= try target.bytes(of: tokens[first]).count
        }
        if left == 0 { return Array(tokens[first...]) }
        // The target has ended its token here, so a new one begins.
        guard !target.algorithm.isSentencePiece, context.unfinished.isEmpty else { return [] }
        return target.encode(String(decoding: text, as: UTF8.self), parseSpecial: false)
    }

    private func targetEnd(_ end: Token) throws -> Token? {
        let same = target.marker(spelled: try drafter.bytes(of: end))
        return same.flatMap { target.endOfGeneration.contains($0) ? $0 : nil } ?? target.eos
    }
}

/// What a drafter has written behind a base, in its own tokens.
private struct Writing {
    /// The tokens, as a chain.
    private(set) var tree = TokenTree(
        limits: TreeLimits(nodes: RetokenizingDrafter.length, depth: RetokenizingDrafter.length)
    )
    /// Their bytes.
    private(set) var text: [UInt8] = []
    /// The first so many bytes are in the base.
    var read: Int
    /// The character that the base had begun when the drafter began.
    private var begun: [UInt8]
    /// Nothing more can follow.
    var isOver = false
    /// The token with which the drafter has ended its text.
    var end: Candidate?
    /// Where each token starts in `text`, and the drafter's other choices.
    private var starts: [Int] = []
    private var others: [[Candidate]] = []

    init(begun: [UInt8] = []) {
        (self.begun, read) = (begun, begun.count)
    }

    /// Whether a text that goes on like this first ends the character that the base had begun.
    func allows(_ bytes: ArraySlice<UInt8>) -> Bool {
        text.count >= begun.count || (text + bytes).starts(with: begun.prefix(text.count + bytes.count))
    }

    mutating func append(_ token: Candidate, bytes: ArraySlice<UInt8>, others: [Candidate]) throws {
        let parent = tree.isEmpty ? nil : tree.count - 1
        try tree.append(.init(parent: parent, token: token.token, logProbability: token.logProbability))
        starts.append(text.count)
        self.others.append(others)
        text += bytes
    }

    /// Tokens that are in the base as a whole.
    var finishedCount: Int {
        zip(starts.dropFirst() + [text.count], starts).prefix { $0.0 <= read }.count
    }

    mutating func commit(_ count: Int, _ rest: TokenTree) {
        let bytes = count < starts.count ? starts[count] : text.count
        tree = rest
        begun = []
        text.removeFirst(bytes)
        read -= bytes
        starts = starts.dropFirst(count).map { $0 - bytes }
        others.removeFirst(count)
    }

    /// The probability of a part of the text: a token counts where it begins, and what follows from it is certain.
    func belief(_ range: Range<Int>) -> Float {
        zip(starts, tree).reduce(0) { range.contains($1.0) ? $0 + $1.1.logProbability : $0 }
    }

    /// What the drafter might have written at a place where a token of its starts.
    func others(at start: Int) -> [Candidate] {
        starts.firstIndex(of: start).map { others[$0] } ?? []
    }
}
