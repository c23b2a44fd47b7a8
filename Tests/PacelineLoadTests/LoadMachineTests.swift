import PacelineLoad
import PacelineSpeculation
import Testing

@Suite("The machine of a load test")
struct LoadMachineTests {
    /// A server in virtual time, and what its clients saw.
    private struct Run {
        var records: [RequestRecord] = []
        var mostOutstanding = 0
        var finishes = 0

        /// - Parameter serving: when a request that is sent then will be answered.
        init(_ plan: LoadMachine.Plan, interrupt: Duration? = nil, serving: (Duration) -> Duration) {
            var machine = LoadMachine(plan)
            var ends: [(time: Duration, record: RequestRecord)] = []
            var wake: Duration?
            var effects = machine.handle(.start, now: .zero)
            var now = Duration.zero
            var interrupt = interrupt
            while true {
                for effect in effects {
                    switch effect {
                    case .send(let request):
                        ends.append((serving(now), RequestRecord(request, sent: now)))
                        mostOutstanding = max(mostOutstanding, ends.count)
                    case .wake(let time): wake = time
                    case .finish: finishes += 1
                    }
                }
                let end = ends.indices.min { ends[$0].time < ends[$1].time }
                let times = [end.map { ends[$0].time }, wake, interrupt].compactMap(\.self)
                guard let next = times.min() else { break }
                now = max(now, next)
                if interrupt == next {
                    interrupt = nil
                    effects = machine.handle(.interrupt, now: now)
                } else if let end, ends[end].time == next {
                    var record = ends.remove(at: end).record
                    record.end(.completed, at: now)
                    records.append(record)
                    effects = machine.handle(.ended, now: now)
                } else {
                    wake = nil
                    effects = machine.handle(.timer, now: now)
                }
            }
        }
    }

    private func plan(
        _ pace: LoadMachine.Pace,
        _ limit: LoadMachine.Limit,
        warmup: Duration = .zero,
        most: Int = 10_000
    ) -> LoadMachine.Plan {
        LoadMachine.Plan(pace: pace, limit: limit, warmup: warmup, mostOutstanding: most)
    }

    private func constant(_ rate: Double) -> LoadMachine.Pace { .open(ArrivalSchedule(.constant, rate: rate, seed: 0)) }

    @Test func anOpenLoopSendsOnScheduleWhateverTheServerDoes() {
        let slow = Run(plan(constant(10), .time(.seconds(20)))) { $0 + .seconds(1000) }
        #expect(slow.records.count == 200)
        #expect(slow.records.allSatisfy { $0.sent == $0.request.intended })
        #expect(slow.records.map(\.request.intended).max() == .milliseconds(19_900))
        #expect(slow.finishes == 1)
    }

    /// The server stalls for 10 s. All requests that were due meanwhile are sent and waited, which a generator that
    /// waits for answers would not have seen.
    @Test func aStallShowsInTheLatencyOfAllThatWereDueMeanwhile() {
        let run = Run(plan(constant(10), .time(.seconds(60)))) { now in
            (now >= .seconds(20) && now < .seconds(30) ? .seconds(30) : now) + .milliseconds(10)
        }
        let slow = run.records.filter { $0.latency > .seconds(1) }
        #expect(run.records.count == 600)
        #expect(slow.count == 91)
        #expect(slow.map(\.latency).max() == .milliseconds(10_010))
    }

    @Test func requestsBeyondTheLimitAreSentLateAndCountFromWhenTheyWereDue() {
        let run = Run(plan(constant(10), .requests(40), most: 4)) { $0 + .seconds(1) }
        #expect(run.mostOutstanding == 4)
        #expect(run.records.count == 40)
        let last = run.records.max { $0.request.ordinal < $1.request.ordinal }
        // Four a second are served; the fortieth was due after 3.9 s and is served in the tenth second.
        #expect(last?.latency == .seconds(10) + .milliseconds(300) - .milliseconds(3900))
        #expect((last?.lag ?? .zero) > .seconds(4))
    }

    @Test func aClosedLoopKeepsItsNumberUnderWay() {
        let run = Run(plan(.closed(concurrency: 3), .requests(50))) { $0 + .milliseconds(100) }
        #expect(run.mostOutstanding == 3)
        #expect(run.records.map(\.request.ordinal).sorted() == Array(0..<50))
        #expect(run.records.allSatisfy { $0.lag == .zero })
        #expect(run.finishes == 1)
    }

    @Test func onlyRequestsAfterTheWarmUpAreMeasured() {
        for pace in [constant(10), .closed(concurrency: 2)] {
            let run = Run(plan(pace, .requests(30), warmup: .seconds(2))) { $0 + .milliseconds(100) }
            #expect(run.records.count { $0.request.isMeasured } == 30)
            #expect(run.records.allSatisfy { $0.request.isMeasured == ($0.request.intended >= .seconds(2)) })
            #expect(run.records.count > 30)
        }
    }

    @Test func aTimeLimitCountsFromTheEndOfTheWarmUp() {
        for pace in [constant(10), .closed(concurrency: 1)] {
            let run = Run(plan(pace, .time(.seconds(3)), warmup: .seconds(2))) { $0 + .milliseconds(100) }
            #expect(run.records.allSatisfy { $0.request.intended < .seconds(5) })
            #expect(run.records.count { $0.request.isMeasured } == 30)
        }
    }

    @Test func anInterruptedTestSendsNothingMore() {
        for pace in [constant(10), .closed(concurrency: 2)] {
            let run = Run(plan(pace, .requests(1000)), interrupt: .seconds(3)) { $0 + .milliseconds(100) }
            #expect(run.records.allSatisfy { $0.sent <= .seconds(3) })
            #expect(run.finishes == 1)
        }
    }
}
