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

    /// A turn that runs: what the machine decides, and what is counted of it.
    private struct Course {
        let start = ContinuousClock.now
        private(set) var machine: LoadMachine
        var state = State()
        private(set) var sent = 0
        private(set) var isFinished = false

        init(_ plan: LoadMachine.Plan) {
            machine = LoadMachine(plan)
        }

        mutating func handle(_ event: LoadMachine.Event) -> [LoadMachine.Effect] {
            let effects = machine.handle(event, now: ContinuousClock.now - start)
            for effect in effects {
                switch effect {
                case .send:
                    state.outstanding += 1
                    sent += 1
                case .wake: break
                case .finish: isFinished = true
                }
            }
            return effects
        }

        var result: Result {
            Result(sent: sent, reachedOutstandingLimit: machine.reachedOutstandingLimit)
        }
    }

    /// Sends all requests and waits for their ends; a cancelled task gives them up.
    ///
    /// - Parameters:
    ///   - show: is told how far the turn is, four times a second and at its end.
    ///   - take: gets every request that ended.
    func run(show: (State) -> Void, take: (RequestRecord) -> Void) async -> Result {
        await withTaskGroup(of: News.self) { group in
            var course = Course(plan)
            func handle(_ event: LoadMachine.Event) {
                for effect in course.handle(event) { carryOut(effect, in: &group, since: course.start) }
            }
            handle(.start)
            group.addTask { await Self.sleep(until: .now + .milliseconds(250), then: .show) }
            while !course.isFinished, let news = await group.next() {
                course.state.elapsed = ContinuousClock.now - course.start
                if Task.isCancelled { handle(.interrupt) }
                switch news {
                case .timer: handle(.timer)
                case .ended(let record):
                    course.state.count(record)
                    take(record)
                    handle(.ended)
                case .show where !Task.isCancelled:
                    show(course.state)
                    group.addTask { await Self.sleep(until: .now + .milliseconds(250), then: .show) }
                case .show: break
                }
            }
            show(course.state)
            group.cancelAll()
            return course.result
        }
    }

    private func carryOut(
        _ effect: LoadMachine.Effect,
        in group: inout TaskGroup<News>,
        since start: ContinuousClock.Instant
    ) {
        switch effect {
        case .send(let request): group.addTask { .ended(await send(request, since: start)) }
        case .wake(let time): group.addTask { await Self.sleep(until: start + time, then: .timer) }
        case .finish: break
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
