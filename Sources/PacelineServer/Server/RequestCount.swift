import Synchronization

/// How many requests a server is answering.
package final class RequestCount: Sendable {
    private struct State {
        var running = 0
        /// Tasks that wait until there are none.
        var waiting: [AsyncStream<Never>.Continuation] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Counts one request for as long as anybody holds it.
    final class Running: Sendable {
        private let count: RequestCount

        fileprivate init(in count: RequestCount) {
            self.count = count
        }

        deinit {
            count.leave()
        }
    }

    func enter() -> Running {
        state.withLock { $0.running += 1 }
        return Running(in: self)
    }

    private func leave() {
        state.withLock { state in
            state.running -= 1
            guard state.running == 0 else { return }
            for waiting in state.waiting { waiting.finish() }
            state.waiting.removeAll()
        }
    }

    /// Suspends until the last byte of every answer has been sent, or the task is cancelled.
    package func waitUntilIdle() async {
        let (idle, source) = AsyncStream.makeStream(of: Never.self)
        state.withLock { state in
            if state.running == 0 { source.finish() } else { state.waiting.append(source) }
        }
        for await _ in idle {}
    }
}
