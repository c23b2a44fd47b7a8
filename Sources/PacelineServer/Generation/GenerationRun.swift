import PacelineCluster

/// The generations of one request, whose events come as one stream: those of each choice in order.
///
/// No event waits here but the next one of each generation, so that a slow client slows nothing but its own.
struct GenerationRun: Sendable {
    enum Event: Sendable {
        case choice(Int, RequestEvent)
        /// Nothing came for a while.
        case silence
    }

    private let generations: [any Generation]
    /// Events that came before anybody took them.
    private var early: [(choice: Int, event: RequestEvent)] = []

    /// Begins generations and waits for the first event of any, because a refusal comes before everything else.
    ///
    /// - Parameter patience: how long to wait; nil until an event comes.
    /// - Throws: ``APIError`` if one of them was refused.
    static func begin(
        _ requests: [GenerationRequest],
        on backend: any GenerationBackend,
        patience: Duration?
    ) async throws -> GenerationRun {
        var run = GenerationRun(generations: requests.map { backend.begin($0) })
        run.early = try await run.firstEvents(within: patience)
        for case (_, .failed(let fault)) in run.early { throw APIError(fault) }
        return run
    }

    private init(generations: [any Generation]) {
        self.generations = generations
    }

    /// Whether anything has come yet.
    var hasBegun: Bool { !early.isEmpty }

    private func firstEvents(within patience: Duration?) async throws -> [(choice: Int, event: RequestEvent)] {
        try await withThrowingTaskGroup(of: Event?.self) { group in
            for choice in generations.indices { group.addTask { try await next(of: choice) } }
            if let patience {
                group.addTask {
                    try? await Task.sleep(for: patience); return .silence
                }
            }
            let first = try await group.next()
            group.cancelAll()
            var events = [first ?? nil]
            // What came at the same moment is not lost.
            while let more = try await group.next() { events.append(more) }
            try Task.checkCancellation()
            return events.compactMap { event in
                if case .choice(let choice, let event)? = event { (choice, event) } else { nil }
            }
        }
    }

    /// Passes on all events, and returns after the last one of every generation.
    ///
    /// If `onEvent` throws or the task is cancelled, all generations are cancelled.
    ///
    /// - Parameter interval: how long a silence may be; nil for any.
    func forEach(interval: Duration? = nil, _ onEvent: (Event) async throws -> Void) async throws {
        defer { for generation in generations { generation.cancel() } }
        var open = Set(generations.indices)
        for (choice, event) in early {
            if event.isLast { open.remove(choice) }
            try await onEvent(.choice(choice, event))
        }
        try await withThrowingTaskGroup(of: Event?.self) { group in
            defer { group.cancelAll() }
            for choice in open { group.addTask { try await next(of: choice) } }
            if let interval { group.addTask { await Self.silence(interval) } }
            var isSilent = true
            while !open.isEmpty, let event = try await group.next() {
                switch event {
                case .choice(let choice, let event)?:
                    isSilent = false
                    if event.isLast { open.remove(choice) } else { group.addTask { try await next(of: choice) } }
                    try await onEvent(.choice(choice, event))
                case .silence?:
                    if isSilent { try await onEvent(.silence) }
                    isSilent = true
                    if let interval { group.addTask { await Self.silence(interval) } }
                case nil:
                    try Task.checkCancellation()
                    throw APIError.internalError("the verifier ended without an answer; try again")
                }
            }
        }
    }

    /// What an event has brought to the client has left.
    func sent(_ event: RequestEvent, choice: Int) {
        if case .tokens(let generated) = event { generations[choice].sent(generated.tokens.count) }
    }

    /// The next event of a choice; nil if there is none, or the task is cancelled.
    private func next(of choice: Int) async throws -> Event? {
        do {
            return try await generations[choice].next().map { .choice(choice, $0) }
        } catch is CancellationError {
            return nil
        }
    }

    private static func silence(_ interval: Duration) async -> Event? {
        // Cancelled at the end, when nobody asks for its result.
        try? await Task.sleep(for: interval)
        return .silence
    }
}
