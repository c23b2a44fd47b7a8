import PacelineLoad
import PacelineSpeculation

/// One run of requests against the server: all of a load test, or a part of one that compares.
struct LoadTurn: Sendable {
    let client: LoadClient
    let prompts: LoadPrompts
    let shared: LoadRequestBody.Shared
    let plan: LoadMachine.Plan
    /// The prompt of the first request.
    let firstPrompt: Int

    private enum News: Sendable {
        case timer
        case ended(RequestRecord)
        /// Time to show how far the turn is.
        case show
    }

    /// What a turn tells while it runs.
    struct State: Sendable {
        var elapsed: Duration = .zero
        var outstanding = 0
        /// Of all requests, the warm-up included.
        var completed = 0
        var failed = 0
        var outputTokens = 0
    }

    struct Result: Sendable {
        /// How many requests were sent, the warm-up included.
        var sent = 0
        var reachedOutstandingLimit = false
    }

    /// Sends all requests and waits for their ends; a cancelled task gives them up.
    ///
    /// - Parameters:
    ///   - show: is told how far the turn is, four times a second and at its end.
    ///   - take: gets every request that ended.
    func run(show: (State) -> Void, take: (RequestRecord) -> Void) async -> Result {
        await withTaskGroup(of: News.self) { group in
            var machine = LoadMachine(plan)
            var (state, result) = (State(), Result())
            let start = ContinuousClock.now
            var isFinished = false
            func handle(_ event: LoadMachine.Event) {
                for effect in machine.handle(event, now: ContinuousClock.now - start) {
                    switch effect {
                    case .send(let request):
                        state.outstanding += 1
                        result.sent += 1
                        group.addTask { .ended(await send(request, since: start)) }
                    case .wake(let time): group.addTask { await Self.sleep(until: start + time, then: .timer) }
                    case .finish: isFinished = true
                    }
                }
            }
            handle(.start)
            group.addTask { await Self.sleep(until: .now + .milliseconds(250), then: .show) }
            while !isFinished, let news = await group.next() {
                state.elapsed = ContinuousClock.now - start
                if Task.isCancelled { handle(.interrupt) }
                switch news {
                case .timer: handle(.timer)
                case .ended(let record):
                    state.count(record)
                    take(record)
                    handle(.ended)
                case .show where !Task.isCancelled:
                    show(state)
                    group.addTask { await Self.sleep(until: .now + .milliseconds(250), then: .show) }
                case .show: break
                }
            }
            show(state)
            group.cancelAll()
            result.reachedOutstandingLimit = machine.reachedOutstandingLimit
            return result
        }
    }

    private func send(_ request: ScheduledRequest, since start: ContinuousClock.Instant) async -> RequestRecord {
        let ordinal = firstPrompt + request.ordinal
        let body = LoadRequestBody(shared, prompt: prompts.prompt(at: ordinal), ordinal: ordinal)
        return await client.perform(request, body, since: start)
    }

    private static func sleep(until time: ContinuousClock.Instant, then news: News) async -> News {
        try? await Task.sleep(until: time, tolerance: .zero)
        return news
    }
}

extension LoadTurn.State {
    fileprivate mutating func count(_ record: RequestRecord) {
        outstanding -= 1
        switch record.outcome {
        case .completed:
            completed += 1
            outputTokens += record.outputTokens
        case .failed: failed += 1
        case .abandoned: break
        }
    }
}
