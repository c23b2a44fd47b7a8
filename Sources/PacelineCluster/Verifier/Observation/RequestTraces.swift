import PacelineSpeculation
import Synchronization

/// The requests of a verifier that run or wait, and the latest that ended: for traces and the dashboard, read from any
/// thread.
///
/// Its memory is bounded: there are as many requests that have not ended as the verifier takes, and each keeps so many
/// rounds.
package final class RequestTraces: Sendable {
    /// A request in a list.
    package struct Entry: Sendable {
        package var request: RequestID
        package var name: RequestName?
        package var promptTokens: Int
        package var generatedTokens: Int
        package var draftTokens: Int
        package var acceptedTokens: Int
        package var rounds: Int
        package var phase: Phase
        /// Since its submission, up to its end.
        package var age: Duration
    }

    package enum Phase: String, Sendable {
        case waiting, prefill, decoding, finished, failed
    }

    private struct State {
        var open: [RequestID: RequestTrace] = [:]
        /// The latest answers of which a choice has ended, oldest first.
        var ended: Ring<TracedAnswer>?
        var clock: MonotonicClock?
    }

    /// How many answers are remembered after their end, with all of their choices; 0 keeps no rounds.
    package let limit: Int
    private let state: Mutex<State>

    package init(limit: Int) {
        self.limit = max(0, limit)
        let ended = limit > 0 ? Ring<TracedAnswer>(limit: limit) : nil
        state = Mutex(State(ended: ended))
    }

    // MARK: Writing

    /// Tells the clock by which records are timed.
    func begin(_ clock: MonotonicClock) {
        state.withLock { $0.clock = clock }
    }

    func submitted(_ id: RequestID, _ request: GenerationRequest, now: Instant) {
        let trace = RequestTrace(id, request, now: now)
        state.withLock { $0.open[id] = trace }
    }

    func add(_ round: RoundRecord) {
        state.withLock { $0.open[round.request]?.add(round, isKept: limit > 0) }
    }

    func add(_ event: RequestEvent, to id: RequestID, now: Instant) {
        state.withLock { state in
            state.open[id]?.add(event, now: now)
            guard event.isLast, let trace = state.open.removeValue(forKey: id) else { return }
            let isKnown = state.ended?.updateLast(where: { $0.has(trace) }) { $0.append(trace) }
            if isKnown == false { state.ended?.append(TracedAnswer(trace)) }
        }
    }

    /// The bytes of generated tokens have left for the client.
    package func sent(_ tokens: Int, of id: RequestID) {
        guard limit > 0 else { return }
        state.withLock { state in
            guard let now = state.clock?.now() else { return }
            if state.open[id] != nil {
                state.open[id]?.sent(tokens, now: now)
            } else {
                // The last tokens leave after the request has ended.
                state.ended?.updateLast(where: { answer in answer.choices.contains { $0.request == id } }) {
                    $0.sent(tokens, of: id, now: now)
                }
            }
        }
    }

    // MARK: Reading

    /// What a request that has not ended is called; nil if it has no name.
    func name(of request: RequestID) -> RequestName? {
        state.withLock { $0.open[request]?.name }
    }

    /// The requests of a tenant that a client or an operator calls so, latest answer first: its choices in order.
    ///
    /// - Parameter name: an `x-request-id`, or the id of an answer.
    package func traces(named name: String, of tenant: Tenant) -> [RequestTrace] {
        let found = all.filter { $0.tenant == tenant && ($0.name?.id == name || $0.name?.answer == name) }
        guard let latest = found.max(by: { $0.request < $1.request })?.name?.answer else { return [] }
        return found.filter { $0.name?.answer == latest }.sorted { $0.request < $1.request }
    }

    /// A tenant's request by its number; nil if there is none.
    package func trace(_ request: RequestID, of tenant: Tenant) -> RequestTrace? {
        all.first { $0.request == request && $0.tenant == tenant }
    }

    /// The requests of a tenant, latest first: those that have not ended, and if `includesEnded` those that have.
    package func entries(of tenant: Tenant, includesEnded: Bool, limit: Int) -> [Entry] {
        let now = state.withLock { $0.clock?.now() } ?? .zero
        let traces = includesEnded ? all : state.withLock { Array($0.open.values) }
        return traces.filter { $0.tenant == tenant }
            .sorted { $0.request > $1.request }
            .prefix(limit)
            .map { Entry($0, now: now) }
    }

    private var all: [RequestTrace] {
        state.withLock { Array($0.open.values) + ($0.ended?.elements.flatMap(\.choices) ?? []) }
    }
}

extension RequestTraces.Entry {
    fileprivate init(_ trace: RequestTrace, now: Instant) {
        request = trace.request
        name = trace.name
        promptTokens = trace.promptTokens
        generatedTokens = trace.generatedTokens
        draftTokens = trace.draftTokens
        acceptedTokens = trace.acceptedTokens
        rounds = trace.roundCount
        age = (trace.end ?? now) - trace.submission
        phase = RequestTraces.Phase(trace)
    }
}

extension RequestTraces.Phase {
    package init(_ trace: RequestTrace) {
        switch trace.ending {
        case .finished: self = .finished
        case .failed: self = .failed
        case nil: self = trace.firstToken != nil ? .decoding : trace.firstReady != nil ? .prefill : .waiting
        }
    }
}
