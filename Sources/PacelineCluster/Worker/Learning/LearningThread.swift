import Foundation
import Glibc
package import Logging
package import PacelineModel
import PacelineSpeculation
import Synchronization

/// A thread that trains a head on what is served, while nothing is.
///
/// The kernel runs it only on processors that would idle otherwise, so a piece of work that a request interrupts costs
/// the request next to nothing. It ends when it is stopped, and when nobody holds this object any more.
package final class LearningThread: Sendable {
    /// Linux's policy for threads that run only where a processor would idle, which its headers hide from Swift.
    private static var idlePolicy: Int32 { 5 }
    /// What a thread does that has nothing to learn from.
    private static let pause = Duration.milliseconds(250)

    private final class Stop: Sendable {
        private let isRequested = Atomic<Bool>(false)

        func request() { isRequested.store(true, ordering: .relaxed) }

        var isDue: Bool { isRequested.load(ordering: .relaxed) }
    }

    private let stop = Stop()

    /// Starts it.
    ///
    /// - Parameters:
    ///   - pace: when it may work.
    ///   - load: called once on the thread; what it makes stays there.
    ///   - adopted: called on the thread for each better head, before the drafters may have it.
    package init(
        _ exchange: LearningExchange,
        pace: LearningPace,
        logger: Logger,
        load: @escaping @Sendable () throws -> any HeadStudying,
        adopted: @escaping @Sendable (LearnedHead) -> Void
    ) {
        let stop = stop
        let thread = Thread {
            Self.beLast()
            do {
                var worker = Worker(exchange: exchange, pace: pace, logger: logger, adopted: adopted, study: try load())
                while !stop.isDue { Self.sleep(for: worker.turn()) }
            } catch {
                logger.error("the head does not go on learning: \(error)")
            }
        }
        thread.name = "paceline-learn"
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit { stop.request() }

    /// Lets it end after the piece of work at hand. Does not wait.
    package func end() { stop.request() }

    /// Puts the calling thread behind all others.
    private static func beLast() {
        var parameters = sched_param()
        // On Linux, both mean the calling thread, not its process.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
        _ = sched_setscheduler(0, idlePolicy, &parameters)
    }

    private static func sleep(for duration: Duration) {
        guard duration > .zero else { return }
        Thread.sleep(forTimeInterval: Double(duration.saturatedNanoseconds) / 1e9)
    }

    /// The thread's state.
    private struct Worker {
        let exchange: LearningExchange
        var pace: LearningPace
        let logger: Logger
        let adopted: @Sendable (LearnedHead) -> Void
        var study: any HeadStudying
        let start = ContinuousClock.now

        var now: Instant { Instant.zero.advanced(by: start.duration(to: .now)) }

        /// Works or not.
        ///
        /// - Returns: the time until the next turn.
        mutating func turn() -> Duration {
            let texts = exchange.takeTexts()
            if !texts.isEmpty { study.receive(texts) }
            if case .wait(let time) = pace.next(exchange.activity.reading, now: now) { return time }
            let before = Self.processorTime
            defer { pace.worked(Self.processorTime - before, now: now) }
            do {
                switch try study.work() {
                case .nothing: return LearningThread.pause
                case .worked: break
                case .adopted(let head):
                    adopted(head)
                    exchange.offer(head.parameters)
                case .dropped(let score): logger.debug("a candidate was no better: \(score)")
                }
            } catch {
                logger.warning("a round of learning was given up: \(error)")
            }
            return .zero
        }

        /// What the calling thread has had.
        private static var processorTime: Duration {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
    }
}

extension LearningScore: CustomStringConvertible {
    package var description: String {
        func short(_ length: Double) -> String { String(format: "%.3f", length) }
        return "\(short(after)) tokens a round after \(steps) steps, \(short(before)) before "
            + "(chains of 4, \(rounds) rounds of held-out text)"
    }
}
