package import PacelineCluster
import PacelineModel
package import PacelineSpeculation

/// A target of hashes instead of weights. It checks its input as strictly as a real engine depends on it. The cache
/// must hold exactly the committed tokens, and no two rounds of a pass may be for one sequence. Every node must have
/// been proposed for the prefix it hangs below, and no sequence may outgrow its room.
package final class MockTarget: TargetEngine {
    /// The verifier broke the engine's contract.
    package struct Misuse: Error, Equatable, CustomStringConvertible {
        package let description: String

        package init(_ description: String) {
            self.description = description
        }
    }

    /// How a scenario wants the engine to behave.
    struct Options {
        var isTagged = false
        /// Whether sequences share the pages of prompts that begin alike.
        var reusesPages = false
        /// The round in which a request fails, by the request's seed.
        var failingRounds: [UInt64: Int] = [:]
        /// Who may share what is computed for a request, by the request's seed; nil where it is not checked.
        var scopes: [UInt64: PrefixScope] = [:]
        /// The seeds of requests whose clients expect something, so that not every node is a drafter's.
        var predicted: Set<UInt64> = []
        /// Which model of the language it is; each gives other texts.
        var dialect = 0
    }

    private struct State {
        var base: [Token]
        var prefix: MockPrefix
        let seed: UInt64
        /// What the text is made with.
        let textSeed: UInt64
        let mask: TokenMask
        let scoring: LogProbabilityRequest?
        let lengthLimit: Int
        /// Base tokens whose keys and values are in the cache.
        var cached = 0
        /// The cache itself; nil if sequences share nothing.
        var cache: MockCache?
        var rounds = 0
    }

    /// The reason given for a planned failure.
    static let plannedFailure = "the scenario lets this round fail"
    /// The reason given while there is no memory.
    static let pressure = "the scenario leaves the engine no memory"

    private let cacheCapacity: Int
    private let ledger: ProposalLedger
    private let options: Options
    private var states: [RequestID: State] = [:]
    /// The pages of keys and values of all sequences; nil if these share nothing.
    private let pages: MockPages?
    /// Rounds to come that find no memory.
    var roundsWithoutRoom = 0
    /// Nodes that were verified.
    private(set) var verifiedNodes = 0
    /// Nodes that no drafter had proposed for their prefix.
    private(set) var strayNodes = 0
    /// Nodes with the tag of another place.
    private(set) var misplacedNodes = 0
    /// Prompt tokens that were computed, and those that were in a page already.
    private(set) var computedTokens = 0
    private(set) var reusedTokens = 0

    /// An engine for tests without a ledger; what it notes about nodes means nothing.
    package convenience init() {
        self.init(cacheCapacity: 1 << 16, ledger: ProposalLedger(), Options())
    }

    init(cacheCapacity: Int, ledger: ProposalLedger, _ options: Options) {
        self.cacheCapacity = cacheCapacity
        self.ledger = ledger
        self.options = options
        pages = options.reusesPages ? MockPages(cacheCapacity: cacheCapacity) : nil
    }

    /// Sequences that hold room.
    var openCount: Int { states.count }

    /// Committed tokens of a sequence as the engine knows them; nil if it is not open.
    func length(of request: RequestID) -> Int? {
        states[request]?.base.count
    }

    package func open(_ opening: Pass.Opening) throws {
        guard states[opening.request] == nil else { throw Misuse("\(opening.request) was opened twice") }
        guard !opening.base.isEmpty else { throw Misuse("\(opening.request) was opened without a base") }
        if let scope = options.scopes[opening.sampling.seed], scope != opening.scope {
            throw Misuse("\(opening.request) was opened for sharing within \(opening.scope), not \(scope)")
        }
        states[opening.request] = State(
            base: opening.base,
            prefix: MockPrefix(opening.base, isTagged: options.isTagged),
            seed: opening.sampling.seed,
            textSeed: MockText.seed(opening.sampling.seed, dialect: options.dialect),
            mask: opening.mask,
            scoring: opening.logProbabilities,
            lengthLimit: opening.lengthLimit,
            cache: pages?.cache(for: opening)
        )
        let reserved = states.values.reduce(0) { $0 + $1.lengthLimit }
        guard reserved <= cacheCapacity else {
            throw Misuse("open sequences may grow to \(reserved) tokens, and the cache has \(cacheCapacity)")
        }
    }

    package func close(_ request: RequestID) {
        states[request] = nil
    }

    package func run(_ rounds: [Round], taps: [FeatureTap], progress: ComputeProgress) throws -> [RoundOutcome] {
        guard Set(rounds.map(\.request)).count == rounds.count else {
            throw Misuse("a pass holds two rounds of one sequence")
        }
        return try rounds.map { try run($0, taps: taps) }
    }

    private func run(_ round: Round, taps: [FeatureTap]) throws -> RoundOutcome {
        guard var state = states[round.request] else { throw Misuse("\(round.request) is not open") }
        defer { states[round.request] = state }
        state.rounds += 1
        if roundsWithoutRoom > 0 {
            roundsWithoutRoom -= 1
            return .noRoom(reason: Self.pressure)
        }
        if state.rounds == options.failingRounds[state.seed] { return .failed(reason: Self.plannedFailure) }
        switch round.work {
        case .prefill(let count):
            guard count > 0, state.cached + count < state.base.count else {
                throw Misuse("a prefill of \(count) after \(state.cached) of \(state.base.count) tokens")
            }
            return try prefill(count, of: &state, taps: taps)
        case .verify(let tree):
            let base = state.base
            let verdict = try verify(tree, of: &state)
            return .verified(
                verdict,
                logProbabilities: scores(of: verdict.tokens.count, endingAt: state.base.count, state),
                features: features(taps, of: verdict, on: tree, below: base)
            )
        }
    }

    /// Computes up to `count` tokens behind those that are in pages.
    private func prefill(_ count: Int, of state: inout State, taps: [FeatureTap]) throws -> RoundOutcome {
        let last = state.base.count - 1
        let isScored = state.scoring?.includesPrompt ?? false
        let reused = isScored ? 0 : state.cache?.adopt(state.base, limit: last) ?? 0
        let computed = min(count, last - state.cached - reused)
        try state.cache?.prefill(computed, of: state.base)
        state.cached += reused + computed
        computedTokens += computed
        reusedTokens += reused
        let scores = isScored ? scores(of: computed, endingAt: state.cached + 1, state) : []
        return .prefilled(
            count: computed,
            reused: reused,
            logProbabilities: scores,
            features: features(taps, state.cached - computed..<state.cached, state)
        )
    }

    /// The features of tokens of a base; nil if nobody reads any.
    private func features(_ taps: [FeatureTap], _ positions: Range<Int>, _ state: State) -> FeatureBlock? {
        taps.isEmpty ? nil : MockFeatures.block(of: state.base, at: positions, taps: taps)
    }

    /// The same for the last token of a base and the accepted ones below it, picked from the rows of all nodes as an
    /// engine has to.
    private func features(
        _ taps: [FeatureTap],
        of verdict: Verdict,
        on tree: TokenTree,
        below base: [Token]
    ) -> FeatureBlock? {
        guard !taps.isEmpty else { return nil }
        let root = BaseHash(base)
        var rows = [root]
        for node in tree.indices {
            var prefix = root
            prefix.append(tree.tokens(onPathTo: node))
            rows.append(prefix)
        }
        let committed = Round.committedRows(base: 1, path: verdict.path).map { rows[$0] }
        return MockFeatures.block(of: committed, from: base.count - 1, taps: taps)
    }

    /// The log-probabilities of the `count` tokens of a base that end at a position, if any are wanted.
    private func scores(of count: Int, endingAt end: Int, _ state: State) -> [TokenLogProbability] {
        guard let top = state.scoring?.top else { return [] }
        var prefix = MockPrefix(Array(state.base.prefix(end - count)), isTagged: options.isTagged)
        return state.base[(end - count)..<end].map { token in
            defer { prefix.append(token) }
            return prefix.score(token, top: top)
        }
    }

    private func verify(_ tree: TokenTree, of state: inout State) throws -> Verdict {
        guard state.cached == state.base.count - 1 else {
            throw Misuse("\(state.cached) of \(state.base.count) tokens are in the cache at a verify")
        }
        inspect(tree, below: state)
        let verdict = SampleMatch().verdict(on: tree) { node in
            state.prefix.appending(tree.tokens(onPathTo: node)).next(seed: state.textSeed, mask: state.mask)
        }
        try state.cache?.verify(tree, verdict, after: state.base)
        state.base += verdict.tokens
        state.prefix = state.prefix.appending(verdict.tokens)
        ledger.commit(seed: state.seed, base: state.prefix.hash)
        state.cached = state.base.count - 1
        guard state.base.count <= state.lengthLimit else {
            throw Misuse("a sequence grew to \(state.base.count) tokens, its limit is \(state.lengthLimit)")
        }
        return verdict
    }

    private func inspect(_ tree: TokenTree, below state: State) {
        verifiedNodes += tree.count
        guard !options.predicted.contains(state.seed) else { return }
        var hashes: [BaseHash] = []
        hashes.reserveCapacity(tree.count)
        for node in tree.indices {
            var hash = tree.parent(of: node).map { hashes[$0] } ?? state.prefix.hash
            let token = tree.token(of: node)
            if !ledger.contains(seed: state.seed, prefix: hash, token: token) { strayNodes += 1 }
            if options.isTagged, token != MockText.tagged(token, seed: state.seed, prefix: hash) { misplacedNodes += 1 }
            hash.append(token)
            hashes.append(hash)
        }
    }
}
