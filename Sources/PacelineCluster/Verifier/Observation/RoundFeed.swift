import Synchronization

/// The rounds of a verifier as they come, for a few viewers that each watch one request.
///
/// A viewer takes what has come since it last did, when it can. Whoever is slow finds the latest tree and misses those
/// before; nothing piles up. Without viewers a round costs one look at an empty table.
package final class RoundFeed: Sendable {
    /// What has come for a viewer.
    package struct Frame: Sendable {
        /// The latest round of its request that has a tree.
        package var tree: RoundRecord?
        /// Its request's rounds without their trees: the latest ones.
        package var rounds: [RoundRecord] = []
        /// The latest passes.
        package var passes: [PassCost] = []
    }

    /// One who watches; no more when it is released.
    package final class Viewer: Sendable {
        private let number: Int
        private let feed: RoundFeed

        fileprivate init(_ number: Int, of feed: RoundFeed) {
            (self.number, self.feed) = (number, feed)
        }

        deinit {
            feed.remove(number)
        }

        /// The request whose rounds it is shown.
        package func watch(_ request: RequestID?) {
            feed.watch(request, number)
        }

        /// Takes what has come.
        package func take() -> Frame {
            feed.take(number)
        }
    }

    private struct Slot: Sendable {
        var request: RequestID?
        var tree: RoundRecord?
        var rounds = Ring<RoundRecord>(limit: RoundFeed.frameLimit)
        var passes = Ring<PassCost>(limit: RoundFeed.frameLimit)
        /// Names the last pass: all its rounds have the same beginning.
        var lastPass: Instant?

        mutating func add(_ round: RoundRecord) {
            if round.began != lastPass {
                lastPass = round.began
                passes.append(round.cost)
            }
            guard round.request == request else { return }
            if round.tree != nil { tree = round }
            var round = round
            round.tree = nil
            rounds.append(round)
        }
    }

    private struct State: Sendable {
        var slots: [Int: Slot] = [:]
        var lastNumber = 0
        var onChange: @Sendable () -> Void = {}
    }

    /// Viewers at once.
    package static let viewerLimit = 16
    /// Rounds and passes that wait for a viewer.
    private static let frameLimit = 64

    private let state = Mutex(State())

    init() {}

    /// Sets what is called after ``watched`` has changed.
    func onChange(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.onChange = body }
    }

    /// The requests whose trees are wanted; nil without a viewer.
    var watched: Set<RequestID>? {
        state.withLock { state in state.slots.isEmpty ? nil : Set(state.slots.values.compactMap(\.request)) }
    }

    func add(_ round: RoundRecord) {
        state.withLock { state in
            for number in state.slots.keys { state.slots[number]?.add(round) }
        }
    }

    /// Lets somebody watch; nil if as many do as may.
    package func join() -> Viewer? {
        let number: Int? = change { state in
            guard state.slots.count < Self.viewerLimit else { return nil }
            state.lastNumber += 1
            state.slots[state.lastNumber] = Slot()
            return state.lastNumber
        }
        return number.map { Viewer($0, of: self) }
    }

    private func remove(_ number: Int) {
        change { $0.slots[number] = nil }
    }

    private func watch(_ request: RequestID?, _ number: Int) {
        guard state.withLock({ $0.slots[number]?.request != request }) else { return }
        change { state in
            let passes = state.slots[number]?.passes
            var slot = Slot(request: request)
            if let passes { slot.passes = passes }
            state.slots[number] = slot
        }
    }

    private func take(_ number: Int) -> Frame {
        state.withLock { state in
            guard let slot = state.slots[number] else { return Frame() }
            state.slots[number] = Slot(request: slot.request, lastPass: slot.lastPass)
            return Frame(tree: slot.tree, rounds: slot.rounds.elements, passes: slot.passes.elements)
        }
    }

    @discardableResult
    private func change<Output: Sendable>(_ body: (inout State) -> Output) -> Output {
        let (output, onChange) = state.withLock { state in (body(&state), state.onChange) }
        // Outside the lock: it asks for what is watched.
        onChange()
        return output
    }
}
