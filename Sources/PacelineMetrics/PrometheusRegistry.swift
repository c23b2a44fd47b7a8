package import CoreMetrics
import Synchronization

/// A backend of swift-metrics: keeps what libraries record, for a scrape to read.
///
/// Counters become Prometheus counters; meters and recorders that do not aggregate, gauges; timers (in seconds) and
/// other recorders, histograms. It is bounded: beyond ``Limits/seriesPerFamily`` all further series of a metric are
/// counted as one, labelled `overflow="true"`. Metrics beyond ``Limits/families``, and those that have a name of
/// another kind, are not kept but counted in `paceline_metrics_refused_total`.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    /// What is said about a metric beforehand.
    package struct Description: Sendable {
        package let help: String
        /// Of a histogram.
        package let bounds: Histogram.Bounds?

        package init(help: String, bounds: Histogram.Bounds? = nil) {
            (self.help, self.bounds) = (help, bounds)
        }
    }

    package struct Limits: Sendable {
        package var families = 256
        package var seriesPerFamily = 128
        /// Unicode scalars of a label's value.
        package var valueLength = 128

        package init() {}
    }

    private struct Family {
        let kind: MetricFamily.Kind
        var cells: [MetricLabels: any MetricCell] = [:]
    }

    private struct State {
        var families: [MetricName: Family] = [:]
        var refused = 0
    }

    private let descriptions: [MetricName: Description]
    private let limits: Limits
    private let state = Mutex(State())

    /// - Parameter descriptions: by names as they are exposed, with `_total` or `_seconds`.
    package init(_ descriptions: [MetricName: Description] = [:], limits: Limits = Limits()) {
        self.descriptions = descriptions
        self.limits = limits
    }

    /// All metrics, sorted by name, with their series sorted by labels.
    package var families: [MetricFamily] {
        // The cells are read after the lock is released, so that no recorder waits for a whole scrape.
        let (families, refused) = state.withLock { ($0.families, $0.refused) }
        let own = MetricFamily.counter(
            "paceline_metrics_refused_total",
            "Metrics of libraries that are not kept: too many, or of two kinds.",
            [(.none, Double(refused))]
        )
        return families.sorted { $0.key < $1.key }.map { family(named: $0.key, $0.value) } + [own]
    }

    private func family(named name: MetricName, _ family: Family) -> MetricFamily {
        let help = descriptions[name]?.help ?? "Recorded by a library."
        let cells = family.cells.values.sorted { $0.labels < $1.labels }
        return MetricFamily(name, family.kind, help, cells.map { ($0.labels, $0.value) })
    }

    /// Has everything in this process record here. Call once.
    package func bootstrap() {
        MetricsSystem.bootstrap(self)
    }

    // MARK: Making

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions)
    }

    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        cell(MetricName(label), .gauge, dimensions, make: GaugeCell.init)
    }

    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return cell(MetricName(label), .gauge, dimensions, make: GaugeCell.init) }
        return histogram(MetricName(label), dimensions)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(MetricName(label).ending(in: "_seconds"), dimensions)
    }

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CounterCell {
        cell(MetricName(label).ending(in: "_total"), .counter, dimensions, make: CounterCell.init)
    }

    private func histogram(_ name: MetricName, _ dimensions: [(String, String)]) -> HistogramCell {
        let bounds = descriptions[name]?.bounds ?? .seconds
        return cell(name, .histogram, dimensions) { HistogramCell($0, $1, bounds: bounds) }
    }

    /// The cell of a series, made if there is none. One that is refused is a cell that nobody reads.
    private func cell<Cell: MetricCell>(
        _ name: MetricName,
        _ kind: MetricFamily.Kind,
        _ dimensions: [(String, String)],
        make: (MetricName, MetricLabels) -> Cell
    ) -> Cell {
        let labels = MetricLabels(dimensions, valueLimit: limits.valueLength)
        return state.withLock { state in
            var family = state.families[name] ?? Family(kind: kind)
            let isKept = family.kind == kind && (state.families[name] != nil || state.families.count < limits.families)
            guard isKept else {
                state.refused += 1
                return make(name, labels)
            }
            let isFull = family.cells[labels] == nil && family.cells.count >= limits.seriesPerFamily
            let kept = isFull ? MetricLabels([("overflow", "true")]) : labels
            if let known = family.cells[kept] as? Cell { return known }
            let cell = make(name, kept)
            family.cells[kept] = cell
            state.families[name] = family
            return cell
        }
    }

    // MARK: Forgetting

    package func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    /// Removes a series. What others still record into it is lost.
    private func forget(_ handler: AnyObject) {
        guard let cell = handler as? any MetricCell else { return }
        state.withLock { state in
            guard state.families[cell.name]?.cells[cell.labels] === cell else { return }
            state.families[cell.name]?.cells[cell.labels] = nil
        }
    }
}
