import CoreMetrics
import Synchronization

/// Where the values of one series are kept: what ``PrometheusRegistry`` gives a library to record them with.
protocol MetricCell: AnyObject, Sendable {
    var name: MetricName { get }
    var labels: MetricLabels { get }
    var value: MetricFamily.Value { get }
}

/// Counts up. Amounts that are negative or not finite are left out.
final class CounterCell: MetricCell, CounterHandler, FloatingPointCounterHandler {
    let name: MetricName
    let labels: MetricLabels
    private let number = AtomicNumber()

    init(_ name: MetricName, _ labels: MetricLabels) {
        (self.name, self.labels) = (name, labels)
    }

    var value: MetricFamily.Value { .number(number.load()) }

    func increment(by amount: Int64) {
        if amount > 0 { number.add(Double(amount)) }
    }

    func increment(by amount: Double) {
        if amount > 0, amount.isFinite { number.add(amount) }
    }

    func reset() {
        number.store(0)
    }
}

/// Keeps the latest value: a meter, or a recorder that does not aggregate.
final class GaugeCell: MetricCell, MeterHandler, RecorderHandler {
    let name: MetricName
    let labels: MetricLabels
    private let number = AtomicNumber()

    init(_ name: MetricName, _ labels: MetricLabels) {
        (self.name, self.labels) = (name, labels)
    }

    var value: MetricFamily.Value { .number(number.load()) }

    func set(_ value: Int64) { number.store(Double(value)) }
    func set(_ value: Double) { number.store(value) }
    func record(_ value: Int64) { number.store(Double(value)) }
    func record(_ value: Double) { number.store(value) }
    func increment(by amount: Double) { number.add(amount) }
    func decrement(by amount: Double) { number.add(-amount) }
}

/// Sorts values into buckets: a recorder that aggregates, or a timer, whose values are in seconds.
///
/// A recorder waits for a scrape no longer than it takes to copy one series.
final class HistogramCell: MetricCell, RecorderHandler, TimerHandler {
    let name: MetricName
    let labels: MetricLabels
    private let histogram: Mutex<Histogram>

    init(_ name: MetricName, _ labels: MetricLabels, bounds: Histogram.Bounds) {
        (self.name, self.labels) = (name, labels)
        histogram = Mutex(Histogram(bounds))
    }

    var value: MetricFamily.Value { .histogram(histogram.withLock { $0 }) }

    func record(_ value: Int64) { record(Double(value)) }
    func record(_ value: Double) { histogram.withLock { $0.record(value) } }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}

/// A number that threads change without waiting for one another.
private struct AtomicNumber: ~Copyable {
    private let bits = Atomic<UInt64>(0)

    func load() -> Double {
        Double(bitPattern: bits.load(ordering: .relaxed))
    }

    func store(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        var isDone = false
        while !isDone {
            let new = (Double(bitPattern: old) + amount).bitPattern
            (isDone, old) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
        }
    }
}
