import Synchronization

/// The latest snapshot of a verifier, where any thread reads it without waiting for an event loop or a pass.
package final class SnapshotBoard: Sendable {
    /// A verifier in numbers, as of one moment.
    package struct Figures: Sendable, Equatable {
        package var verifier: VerifierSnapshot
        package var requests: RequestFigures

        /// Those of a verifier that has not begun.
        package static let empty = Figures(verifier: .empty, requests: RequestFigures(contextLength: 1))
    }

    private struct State {
        var latest: Figures?
        var publications = 0
        var drafting: DraftingObservation?
        var observations = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Nil before the first one.
    package var latest: Figures? { state.withLock { $0.latest } }

    /// How often figures were published.
    package var publications: Int { state.withLock { $0.publications } }

    /// What forecasts are made from, and how often it was published; nil before the first time.
    package var drafting: (observation: DraftingObservation, number: Int)? {
        state.withLock { state in state.drafting.map { ($0, state.observations) } }
    }

    func publish(_ observation: DraftingObservation) {
        state.withLock { state in
            state.drafting = observation
            state.observations += 1
        }
    }

    func publish(_ figures: Figures) {
        // The old figures are freed behind the lock.
        _ = state.withLock { state in
            defer { state.latest = figures }
            state.publications += 1
            return state.latest
        }
    }
}

/// Decides when a verifier publishes what forecasts are made from: seldom, since each is worth some arithmetic.
struct ObservationPolicy: Sendable {
    static let interval = Duration.seconds(2)

    private var last: Instant?

    /// Something may have changed.
    mutating func isDue(now: Instant) -> Bool {
        if let last, now - last < Self.interval { return false }
        last = now
        return true
    }
}

/// Decides when a busy verifier publishes: at once after a quiet time, then every ``interval`` at most, and always
/// after the last change.
struct PublicationPolicy: Sendable {
    /// Far below the 50 ms at which routers scrape, and far above what a snapshot costs.
    static let interval = Duration.milliseconds(10)

    enum Decision: Equatable {
        case publish
        /// The figures of now are due later.
        case wait(Duration)
        /// They will be published with those for which a wait began.
        case join
    }

    private var last: Instant?
    private var isWaiting = false

    /// Something may have changed.
    mutating func changed(now: Instant) -> Decision {
        guard !isWaiting else { return .join }
        guard let last, now - last < Self.interval else {
            self.last = now
            return .publish
        }
        isWaiting = true
        return .wait(Self.interval - (now - last))
    }

    /// The wait is over; what is published now holds all changes.
    mutating func waited(now: Instant) {
        isWaiting = false
        last = now
    }
}
