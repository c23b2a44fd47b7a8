import PacelineCluster
import PacelineSpeculation

/// A target of hashes instead of weights, which checks what it is handed as strictly as a real engine depends on it:
/// that the cache holds exactly the committed tokens, that no two rounds of a pass are for one sequence, that every
/// node was proposed for the prefix it hangs below, that no sequence outgrows its room.
final class MockTarget: TargetEngine {
    /// The verifier broke the engine's contract.
    struct Misuse: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var base: [Token]
        var prefix: MockPrefix
        let seed: UInt64
        let lengthLimit: Int
        /// Base tokens whose keys and values are in the cache.
        var cached = 0
    }

    private let cacheCapacity: Int
    private let ledger: ProposalLedger
    private var states: [RequestID: State] = [:]
    /// Nodes that were looked at.
    private(set) var verifiedNodes = 0
    /// Nodes that nobody had proposed for their prefix.
    private(set) var strayNodes = 0

    init(cacheCapacity: Int, ledger: ProposalLedger) {
        self.cacheCapacity = cacheCapacity
        self.ledger = ledger
    }

    /// Sequences that hold room.
    var openCount: Int { states.count }

    /// Committed tokens of a sequence as the engine knows them; nil if it is not open.
    func length(of request: RequestID) -> Int? {
        states[request]?.base.count
    }

    func open(_ opening: Pass.Opening) throws {
        guard states[opening.request] == nil else { throw Misuse(description: "\(opening.request) was opened twice") }
        guard !opening.base.isEmpty else { throw Misuse(description: "\(opening.request) was opened without a base") }
        states[opening.request] = State(
            base: opening.base,
            prefix: MockPrefix(opening.base),
            seed: opening.sampling.seed,
            lengthLimit: opening.lengthLimit
        )
        let reserved = states.values.reduce(0) { $0 + $1.lengthLimit }
        guard reserved <= cacheCapacity else {
            throw Misuse(
                description: "open sequences may grow to \(reserved) tokens, and the cache has \(cacheCapacity)"
            )
        }
    }

    func close(_ request: RequestID) {
        states[request] = nil
    }

    func run(_ rounds: [Round], progress: ComputeProgress) throws -> [RoundOutcome] {
        guard Set(rounds.map(\.request)).count == rounds.count else {
            throw Misuse(description: "a pass holds two rounds of one sequence")
        }
        return try rounds.map(run)
    }

    private func run(_ round: Round) throws -> RoundOutcome {
        guard var state = states[round.request] else { throw Misuse(description: "\(round.request) is not open") }
        defer { states[round.request] = state }
        switch round.work {
        case .prefill(let count):
            guard count > 0, state.cached + count < state.base.count else {
                throw Misuse(description: "a prefill of \(count) after \(state.cached) of \(state.base.count) tokens")
            }
            state.cached += count
            return .prefilled(count: count, reused: 0)
        case .verify(let tree):
            return .verified(try verify(tree, of: &state))
        }
    }

    private func verify(_ tree: TokenTree, of state: inout State) throws -> Verdict {
        guard state.cached == state.base.count - 1 else {
            throw Misuse(description: "\(state.cached) of \(state.base.count) tokens are in the cache at a verify")
        }
        inspect(tree, below: state)
        let verdict = SampleMatch().verdict(on: tree) { node in
            state.prefix.appending(tree.tokens(onPathTo: node)).next(seed: state.seed)
        }
        state.base += verdict.tokens
        state.prefix = state.prefix.appending(verdict.tokens)
        state.cached = state.base.count - 1
        guard state.base.count <= state.lengthLimit else {
            throw Misuse(
                description: "a sequence grew to \(state.base.count) tokens, its limit is \(state.lengthLimit)"
            )
        }
        return verdict
    }

    private func inspect(_ tree: TokenTree, below state: State) {
        verifiedNodes += tree.count
        var hashes: [BaseHash] = []
        hashes.reserveCapacity(tree.count)
        for node in tree.indices {
            var hash = tree.parent(of: node).map { hashes[$0] } ?? state.prefix.hash
            let token = tree.token(of: node)
            if !ledger.contains(seed: state.seed, prefix: hash, token: token) { strayNodes += 1 }
            hash.append(token)
            hashes.append(hash)
        }
    }
}
