import PacelineServer
import PacelineSpeculation
import Synchronization

@testable import PacelineCluster

/// A backend that plays a test's script, and records its requests and whether they were cancelled.
final class ScriptedBackend: GenerationBackend {
    enum Step: Sendable {
        case event(RequestEvent)
        /// Waits until it is cancelled.
        case hold
        /// Waits, as a queue or a slow model would.
        case pause(Duration)
    }

    private struct State {
        var requests: [GenerationRequest] = []
        var endings: [Ending] = []
        var isStuck = false
        var waiting: [CheckedContinuation<Ending, Never>] = []
    }

    /// How a request ended, as the backend saw it.
    enum Ending: Sendable, Equatable {
        case complete, cancelled
    }

    private let steps: [Step]
    private let state = Mutex(State())

    init(_ steps: [Step]) {
        self.steps = steps
    }

    var requests: [GenerationRequest] { state.withLock { $0.requests } }
    /// How requests ended that ``ending()`` has not returned yet.
    var endings: [Ending] { state.withLock { $0.endings } }

    func begin(_ request: GenerationRequest) -> any Generation {
        state.withLock { $0.requests.append(request) }
        return Run(steps, of: self)
    }

    /// One request.
    private final class Run: Generation {
        private struct Place {
            var next = 0
            var hasEnded = false
        }

        private let steps: [Step]
        private let backend: ScriptedBackend
        private let place = Mutex(Place())

        init(_ steps: [Step], of backend: ScriptedBackend) {
            self.steps = steps
            self.backend = backend
        }

        deinit {
            cancel()
        }

        func next() async throws -> RequestEvent? {
            while let step = takeStep() {
                switch step {
                case .event(let event): return event
                case .hold: try await Task.sleep(for: .seconds(600))
                case .pause(let duration): try await Task.sleep(for: duration)
                }
            }
            end(.complete)
            return nil
        }

        func cancel() {
            // A client that has got the last event need not ask for more.
            let hasAll = place.withLock { $0.next } == steps.count
            if case .event? = steps.last, hasAll { end(.complete) } else { end(.cancelled) }
        }

        private func takeStep() -> Step? {
            place.withLock { place in
                guard !place.hasEnded, place.next < steps.count else { return nil }
                defer { place.next += 1 }
                return steps[place.next]
            }
        }

        private func end(_ ending: Ending) {
            let isFirst = place.withLock { place in
                defer { place.hasEnded = true }
                return !place.hasEnded
            }
            if isFirst { backend.finish(ending) }
        }
    }

    /// Waits for the next request to end, and returns how it ended.
    func ending() async -> Ending {
        await withCheckedContinuation { continuation in
            let ending: Ending? = state.withLock { state in
                if !state.endings.isEmpty { return state.endings.removeFirst() }
                state.waiting.append(continuation)
                return nil
            }
            if let ending { continuation.resume(returning: ending) }
        }
    }

    private func finish(_ ending: Ending) {
        let waiter = state.withLock { state -> CheckedContinuation<Ending, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.endings.append(ending)
            return nil
        }
        waiter?.resume(returning: ending)
    }

    func connectedWorkers() async -> [WorkerContribution] {
        [WorkerContribution(id: "1", drafter: "ngram", numDraftTokens: 3, numAcceptedTokens: 2)]
    }

    func isAlive() async -> Bool {
        !state.withLock { $0.isStuck }
    }

    func occupancy() async -> Occupancy { Occupancy(running: 1, waiting: 0) }

    /// Makes the model look stuck.
    func getStuck() {
        state.withLock { $0.isStuck = true }
    }
}

extension ScriptedBackend {
    static let summary = RequestSummary(
        reason: .length,
        promptTokens: 2,
        completionTokens: 3,
        promptMilliseconds: 10,
        predictedMilliseconds: 4,
        rounds: 2,
        speculation: {
            var statistics = AcceptanceStatistics()
            statistics.record(drafted: 4, accepted: 1)
            return statistics
        }(),
        workers: [
            RequestContribution(worker: LinkID(rawValue: 1), drafter: "ngram", draftTokens: 4, acceptedTokens: 1)
        ]
    )

    /// Three tokens in two pieces.
    static var hello: ScriptedBackend {
        ScriptedBackend([
            .event(.tokens(GeneratedTokens([5, 6], text: "hel"))), .event(.tokens(GeneratedTokens([7], text: "lo"))),
            .event(.finished(summary)),
        ])
    }
}
