import Foundation
import PacelineSpeculation

/// When the requests of an open loop are due: an endless sequence that depends on nothing but these numbers.
///
/// It is fixed before the first request is sent. A server that answers slowly therefore cannot thin out the load, and a
/// latency that counts from the intended time cannot leave out what the server made others wait.
package struct ArrivalSchedule: Sequence, IteratorProtocol, Sendable {
    /// How the times between arrivals are spread around their mean.
    package enum Process: String, Sendable, Hashable, CaseIterable {
        /// Exponentially, as if many clients came independently of one another.
        case poisson
        /// Not at all: one request after the other at equal distances.
        case constant
    }

    private let process: Process
    private let rate: Double
    private var generator: SplitMix
    private var count = 0
    private var seconds = 0.0

    /// - Parameters:
    ///   - process: how the times between arrivals are spread.
    ///   - rate: requests a second; above 0.
    ///   - seed: chooses one of the sequences of a Poisson process.
    package init(_ process: Process, rate: Double, seed: UInt64) {
        precondition(rate > 0 && rate.isFinite, "a rate above 0")
        self.process = process
        self.rate = rate
        generator = SplitMix(seed: seed)
    }

    /// The next arrival, counted from the start; never nil.
    package mutating func next() -> Duration? {
        switch process {
        case .constant:
            seconds = Double(count) / rate
        case .poisson:
            seconds -= log(1 - generator.nextUnit()) / rate
        }
        count += 1
        // To the nanosecond; far beyond any test, in 292 years, the number would not fit.
        return .nanoseconds(Int64(Swift.min(9e18, (seconds * 1e9).rounded())))
    }
}
