import Logging
import PacelineModel
import PacelineSpeculation
import Synchronization
import Testing

@testable import PacelineCluster

@Suite("Learning in idle time")
struct LearningPaceTests {
    private typealias Reading = ServingActivity.Reading

    private func at(_ milliseconds: Int) -> Instant { Instant.zero + .milliseconds(milliseconds) }

    private func pace(_ share: Double = 0.5) -> LearningPace {
        LearningPace(share: share, quiet: .milliseconds(200), interval: .milliseconds(50))
    }

    @Test("begins when nothing has been served for a while, and stops as soon as something is")
    func quiet() {
        var pace = pace(1)
        let idle = Reading(isServing: false, stamp: 7)
        #expect(pace.next(idle, now: at(1000)) == .wait(.milliseconds(50)))
        #expect(pace.next(idle, now: at(1170)) == .wait(.milliseconds(30)))
        #expect(pace.next(idle, now: at(1200)) == .work)
        #expect(pace.next(Reading(isServing: true, stamp: 7), now: at(1210)) == .wait(.milliseconds(50)))
        #expect(pace.next(Reading(isServing: true, stamp: 7), now: at(9000)) == .wait(.milliseconds(50)))
        #expect(pace.next(idle, now: at(9199)) == .wait(.milliseconds(1)))
        #expect(pace.next(idle, now: at(9200)) == .work)
    }

    @Test("whatever is computed in between, the wait begins anew")
    func stamps() {
        var pace = pace()
        for (time, stamp) in [(0, 1), (150, 2), (300, 3)] as [(Int, UInt64)] {
            #expect(pace.next(Reading(isServing: false, stamp: stamp), now: at(time)) == .wait(.milliseconds(50)))
        }
        #expect(pace.next(Reading(isServing: false, stamp: 3), now: at(500)) == .work)
    }

    @Test("takes no more of a processor's time than its share", arguments: [0.1, 0.5, 1])
    func share(share: Double) {
        var pace = pace(share)
        var (now, worked) = (Instant.zero, Duration.zero)
        let idle = Reading(isServing: false, stamp: 0)
        while now < at(60_000) {
            switch pace.next(idle, now: now) {
            case .wait(let time): now = now + time
            case .work:
                now = now + .milliseconds(130)
                worked += .milliseconds(130)
                pace.worked(.milliseconds(130), now: now)
            }
        }
        let part = Double(worked.components.seconds) / 60
        #expect(part <= share + 0.02 && part > share - 0.05)
    }

    @Test("activity shows sequences that are drafted for, jobs, and the work of threads that are watched")
    func activity() {
        let activity = ServingActivity()
        let progress = ComputeProgress()
        activity.watch(progress)
        #expect(!activity.reading.isServing)
        var stamps: Set = [activity.reading.stamp]
        progress.advance()
        stamps.insert(activity.reading.stamp)
        activity.began()
        stamps.insert(activity.reading.stamp)
        activity.ended(open: 2)
        stamps.insert(activity.reading.stamp)
        #expect(activity.reading.isServing && stamps.count == 4)
        activity.ended(open: 0)
        #expect(!activity.reading.isServing)
    }

    // MARK: Exchange

    private static func text(_ rows: Int) -> ServedText {
        ServedText(
            tokens: [Token](repeating: 1, count: rows),
            features: FeatureBlock(
                position: 0,
                taps: [.normedOutput],
                width: 2,
                values: .init(repeating: 0, count: 2 * rows)
            ),
            given: 0
        )
    }

    @Test("texts and parameters change hands once, and of texts that nobody takes the oldest are forgotten")
    func exchange() {
        let exchange = LearningExchange(taps: [.normedOutput], byteLimit: Self.text(10).byteCount * 3)
        for rows in [9, 10, 10, 10] { exchange.deliver(Self.text(rows)) }
        #expect(exchange.takeTexts() == [10, 10, 10].map(Self.text) && exchange.takeTexts().isEmpty)
        exchange.deliver(Self.text(100))
        #expect(exchange.takeTexts().isEmpty)
        #expect(exchange.takeParameters() == nil)
        exchange.offer([1])
        exchange.offer([2])
        #expect(exchange.takeParameters() == [2] && exchange.takeParameters() == nil)
    }

    /// Drafters whose texts something learns from.
    private final class Source: DrafterSource {
        let exchange = LearningExchange(taps: [.normedOutput])

        func makeDrafters() -> [any Drafter] { [RandomDrafter(seed: 1)] }

        var learning: LearningExchange? { exchange }
    }

    @Test("a drafting thread hands over each text with its features when it is over, and says what it serves")
    func host() throws {
        let source = Source()
        var host = DraftHost(source: source)
        let id = DraftSessionID(rawValue: 1)
        var turn = DraftJob.Turn(session: id, committed: [], policy: GrowthPolicy())
        turn.opening = .init(base: [1, 2, 3], sampling: .greedy, limits: TreeLimits())
        _ = host.perform(DraftJob(closings: [], turn: turn))
        #expect(source.exchange.activity.reading.isServing && source.exchange.takeTexts().isEmpty)
        turn.opening = nil
        for token in 4..<24 {
            let row = FeatureBlock(position: token - 4, taps: [.normedOutput], width: 2, values: [0, Float16(token)])
            (turn.features, turn.committed) = ([row], [Token(token)])
            _ = host.perform(DraftJob(closings: [], turn: turn))
        }
        _ = host.perform(DraftJob(closings: [id], turn: nil))
        #expect(!source.exchange.activity.reading.isServing)
        let text = try #require(source.exchange.takeTexts().first)
        #expect(text.tokens == (1...21).map { Token($0) } && text.given == 3)
        #expect(text.features.values.last == 23)
    }

    // MARK: Thread

    /// Counts what it does; every tenth piece of work brings a better head.
    private struct Counting: HeadStudying {
        final class Tally: Sendable {
            let work = Atomic<Int>(0)
            let texts = Atomic<Int>(0)
            let adopted = Atomic<Int>(0)
        }

        let tally: Tally

        func receive(_ texts: [ServedText]) { tally.texts.add(texts.count, ordering: .relaxed) }

        func work() -> HeadStudyOutcome {
            let count = tally.work.add(1, ordering: .relaxed).newValue
            guard count.isMultiple(of: 10) else { return .worked }
            let score = LearningScore(before: 1, after: 2, rounds: 1, steps: 1)
            return .adopted(LearnedHead(parameters: [Float(count)], score: score))
        }
    }

    @Test("a thread works only while nothing is served, adopts what is better, and ends with its owner")
    func thread() async throws {
        let exchange = LearningExchange(taps: [.normedOutput])
        let tally = Counting.Tally()
        exchange.activity.ended(open: 1)
        exchange.deliver(Self.text(10))
        var thread: LearningThread? = LearningThread(
            exchange,
            pace: LearningPace(share: 1, quiet: .milliseconds(20), interval: .milliseconds(2)),
            logger: Logger(label: "test")
        ) {
            Counting(tally: tally)
        } adopted: { _ in
            tally.adopted.add(1, ordering: .relaxed)
        }
        while tally.texts.load(ordering: .relaxed) < 1 { try await Task.sleep(for: .milliseconds(2)) }
        try await Task.sleep(for: .milliseconds(100))
        #expect(tally.work.load(ordering: .relaxed) == 0, "it is busy")
        exchange.activity.ended(open: 0)
        while tally.adopted.load(ordering: .relaxed) < 2 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(exchange.takeParameters() != nil)
        exchange.activity.ended(open: 1)
        try await Task.sleep(for: .milliseconds(100))
        let busy = tally.work.load(ordering: .relaxed)
        try await Task.sleep(for: .milliseconds(100))
        #expect(tally.work.load(ordering: .relaxed) == busy)
        exchange.activity.ended(open: 0)
        while tally.work.load(ordering: .relaxed) == busy { try await Task.sleep(for: .milliseconds(2)) }
        thread = nil
        _ = thread
        try await Task.sleep(for: .milliseconds(100))
        let end = tally.work.load(ordering: .relaxed)
        try await Task.sleep(for: .milliseconds(50))
        #expect(tally.work.load(ordering: .relaxed) == end)
    }
}
