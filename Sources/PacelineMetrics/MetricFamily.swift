/// One metric with all its series, as read at one moment.
package struct MetricFamily: Sendable, Equatable {
    package enum Kind: Sendable, Hashable {
        /// Only rises while the process lives; its name ends in `_total`.
        case counter
        case gauge
        case histogram
        /// Always 1, and says something by its labels; its name ends in `_info`.
        case info
    }

    package enum Value: Sendable, Equatable {
        case number(Double)
        case histogram(Histogram)
    }

    package struct Series: Sendable, Equatable {
        package let labels: MetricLabels
        package let value: Value
    }

    package let name: MetricName
    package let kind: Kind
    package let help: String
    package let series: [Series]

    init(_ name: MetricName, _ kind: Kind, _ help: String, _ series: [(MetricLabels, Value)]) {
        (self.kind, self.help) = (kind, help)
        self.series = series.map { Series(labels: $0.0, value: $0.1) }
        self.name =
            switch kind {
            case .counter: name.ending(in: "_total")
            case .info: name.ending(in: "_info")
            case .gauge, .histogram: name
            }
    }

    package static func counter(_ name: MetricName, _ help: String, _ series: [(MetricLabels, Double)]) -> Self {
        Self(name, .counter, help, series.map { ($0.0, .number($0.1)) })
    }

    package static func gauge(_ name: MetricName, _ help: String, _ series: [(MetricLabels, Double)]) -> Self {
        Self(name, .gauge, help, series.map { ($0.0, .number($0.1)) })
    }

    package static func histogram(_ name: MetricName, _ help: String, _ series: [(MetricLabels, Histogram)]) -> Self {
        Self(name, .histogram, help, series.map { ($0.0, .histogram($0.1)) })
    }

    package static func info(_ name: MetricName, _ help: String, _ labels: MetricLabels) -> Self {
        Self(name, .info, help, [(labels, .number(1))])
    }

    /// The same figures under another name, with more labels.
    package func alias(_ name: MetricName, adding labels: MetricLabels) -> MetricFamily {
        MetricFamily(name, kind, help, series.map { ($0.labels.merging(labels), $0.value) })
    }

    /// The name without the suffix that its kind demands, as OpenMetrics writes it.
    var stem: String {
        switch kind {
        case .counter: String(name.text.dropLast("_total".count))
        case .info: String(name.text.dropLast("_info".count))
        case .gauge, .histogram: name.text
        }
    }

    /// Every name that the family takes in either format.
    var claims: Set<String> {
        guard kind == .histogram else { return [name.text, stem] }
        return Set(["", "_bucket", "_sum", "_count"].map { name.text + $0 })
    }
}
