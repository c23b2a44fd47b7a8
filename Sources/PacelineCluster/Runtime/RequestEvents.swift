import PacelineSpeculation
import Synchronization

/// A request's events on their way from the event loop to one client task.
///
/// Bounded without dropping anything: tokens that the client has not taken are joined into one event. A client that
/// leaves more than `limit` of them is cut off.
package struct RequestEvents: AsyncSequence, Sendable {
    package typealias Element = RequestEvent

    /// How many tokens may wait for a client.
    package static let limit = 8192

    final class Buffer: Sendable {
        private struct State: Sendable {
            var prompt: [TokenLogProbability]?
            var generated = GeneratedTokens([], text: "")
            var ending: RequestEvent?
            var isOver = false
            var waiter: CheckedContinuation<RequestEvent?, Never>?

            /// What the client gets next; nil if it must wait.
            mutating func take() -> RequestEvent? {
                if let prompt {
                    self.prompt = nil
                    return .prompt(prompt)
                }
                if !generated.tokens.isEmpty || !generated.text.isEmpty {
                    defer { generated = GeneratedTokens([], text: "") }
                    return .tokens(generated)
                }
                defer { ending = nil }
                if ending != nil { isOver = true }
                return ending
            }
        }

        private let state = Mutex(State())

        /// Adds an event; false if too many tokens wait for the client.
        func push(_ event: RequestEvent) -> Bool {
            let (waiter, next, isWithinLimit) = state.withLock { state in
                switch event {
                case .prompt(let prompt): state.prompt = prompt
                case .tokens(let generated): state.generated.append(generated)
                case .finished, .failed: state.ending = event
                }
                let isWithinLimit = state.generated.tokens.count <= RequestEvents.limit
                guard let waiter = state.waiter, let next = state.take() else {
                    return (nil as CheckedContinuation<RequestEvent?, Never>?, nil as RequestEvent?, isWithinLimit)
                }
                state.waiter = nil
                return (waiter, next, isWithinLimit)
            }
            waiter?.resume(returning: next)
            return isWithinLimit
        }

        /// The next event; nil after the last one, or when the task was cancelled.
        func next() async -> RequestEvent? {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let ready: RequestEvent?? = state.withLock { state in
                        if let event = state.take() { return .some(event) }
                        if state.isOver || state.waiter != nil || Task.isCancelled { return .some(nil) }
                        state.waiter = continuation
                        return nil
                    }
                    if let ready { continuation.resume(returning: ready) }
                }
            } onCancel: {
                let waiter = state.withLock { state in
                    defer { state.waiter = nil }
                    return state.waiter
                }
                waiter?.resume(returning: nil)
            }
        }
    }

    package struct AsyncIterator: AsyncIteratorProtocol {
        let buffer: Buffer

        package mutating func next() async -> RequestEvent? {
            await buffer.next()
        }
    }

    let buffer = Buffer()

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(buffer: buffer)
    }
}

/// A client's hold on its request. Dropping it cancels the request.
package final class RequestHandle: Sendable {
    package let id: RequestID
    /// The events, for one task to iterate over.
    package let events: RequestEvents
    private let traces: RequestTraces
    private let onCancel: @Sendable (RequestID) -> Void

    init(
        id: RequestID,
        events: RequestEvents,
        traces: RequestTraces,
        onCancel: @escaping @Sendable (RequestID) -> Void
    ) {
        self.id = id
        self.events = events
        self.traces = traces
        self.onCancel = onCancel
    }

    deinit {
        onCancel(id)
    }

    /// The bytes of so many more of its tokens have left for the client.
    package func sent(_ tokens: Int) {
        traces.sent(tokens, of: id)
    }

    /// Ends the request: its events end with `.finished` and the reason `cancelled`. Does nothing once it has ended.
    package func cancel() {
        onCancel(id)
    }
}
