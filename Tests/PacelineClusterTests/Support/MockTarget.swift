import Glibc
import PacelineCluster
import PacelineSpeculation

/// A target of hashes instead of weights, which checks what it is handed as strictly as a real engine depends on it.
final class MockTarget: TargetEngine {
    struct Misuse: Error, CustomStringConvertible {
        var description: String
    }

    /// Tokens of a page: what sequences that begin alike share.
    static let pageLength = 64

    private struct State {
        var prompt: [Token]
        /// Committed tokens.
        var length: Int
        var place: TaggedText
        var seed: UInt64
        var computed = 0
        var lengthLimit: Int
    }

    private var states: [RequestID: State] = [:]
    /// Drafted nodes that bore tags of another base than the one they were verified at.
    private(set) var misrootedNodes = 0
    private(set) var verifiedNodes = 0
    /// How long a pass takes at least, in microseconds.
    var passMicroseconds: UInt32 = 0
    /// Requests whose next round is to fail.
    var failing: Set<RequestID> = []

    /// Prompts, up to page borders, that some sequence has computed.
    private var pages: Set<[Token]> = []
    /// Prompt tokens that were computed, and that were in a page already.
    private(set) var computedTokens = 0
    private(set) var reusedTokens = 0

    var openCount: Int { states.count }

    func open(_ opening: Pass.Opening) throws {
        guard states[opening.request] == nil else { throw Misuse(description: "\(opening.request) was opened twice") }
        guard !opening.base.isEmpty else { throw Misuse(description: "\(opening.request) has no base") }
        states[opening.request] = State(
            prompt: opening.base,
            length: opening.base.count,
            place: TaggedText(after: opening.base),
            seed: opening.sampling.seed,
            lengthLimit: opening.lengthLimit
        )
    }

    func close(_ request: RequestID) {
        states[request] = nil
    }

    func run(_ rounds: [Round], progress: ComputeProgress) throws -> [RoundOutcome] {
        guard Set(rounds.map(\.request)).count == rounds.count else {
            throw Misuse(description: "a pass holds two rounds of one sequence")
        }
        if passMicroseconds > 0 { usleep(passMicroseconds) }
        return try rounds.map { round in
            progress.advance()
            if failing.remove(round.request) != nil { return .failed(reason: "told to fail") }
            return try run(round)
        }
    }

    private func run(_ round: Round) throws -> RoundOutcome {
        guard var state = states[round.request] else { throw Misuse(description: "\(round.request) is not open") }
        defer { states[round.request] = state }
        switch round.work {
        case .prefill(let count):
            guard count > 0, state.computed + count < state.length else {
                throw Misuse(description: "a prefill of \(count) after \(state.computed) of \(state.length)")
            }
            return prefill(count, &state)
        case .verify(let tree):
            guard state.computed == state.length - 1 else {
                throw Misuse(description: "verified with \(state.computed) of \(state.length) tokens computed")
            }
            inspect(tree, below: state.place)
            let verdict = SampleMatch().verdict(on: tree) { node in
                state.place.appending(tree.tokens(onPathTo: node)).next(seed: state.seed)
            }
            guard state.length + verdict.tokens.count <= state.lengthLimit else {
                throw Misuse(description: "a verdict passes the length limit of \(state.lengthLimit)")
            }
            state.place.append(verdict.tokens)
            state.length += verdict.tokens.count
            state.computed = state.length - 1
            return .verified(verdict)
        }
    }

    private func prefill(_ count: Int, _ state: inout State) -> RoundOutcome {
        let last = state.length - 1
        let before = state.computed
        while state.computed % Self.pageLength == 0, state.computed + Self.pageLength <= last,
            pages.contains(Array(state.prompt.prefix(state.computed + Self.pageLength)))
        { state.computed += Self.pageLength }
        let reused = state.computed - before
        let computed = min(count, last - state.computed)
        state.computed += computed
        for end in stride(from: Self.pageLength, through: state.computed, by: Self.pageLength) {
            pages.insert(Array(state.prompt.prefix(end)))
        }
        computedTokens += computed
        reusedTokens += reused
        return .prefilled(count: computed, reused: reused)
    }

    private func inspect(_ tree: TokenTree, below base: TaggedText) {
        verifiedNodes += tree.count
        for node in tree.indices {
            let place = base.appending(tree.tokens(onPathTo: tree.parent(of: node)))
            if !place.fits(tree.token(of: node)) { misrootedNodes += 1 }
        }
    }
}

extension TargetDescription {
    /// The mock target's.
    static func mock(cacheCapacity: Int = 1 << 16, costs: CostCurve? = nil) -> TargetDescription {
        TargetDescription(
            fingerprint: TaggedText.fingerprint(of: "mock"),
            contextLength: 4096,
            cacheCapacity: cacheCapacity,
            costs: costs
        )
    }
}

extension CostCurve {
    /// Passes of `base` + `perRow` × rows milliseconds.
    static func mock(base: Double = 20, perRow: Double = 0.25) throws -> CostCurve {
        try CostCurve(
            [1, 2, 4, 8, 16, 32, 64, 128].map { Point(rows: $0, milliseconds: base + perRow * Double($0)) }
        )
    }
}
