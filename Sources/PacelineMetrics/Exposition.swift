/// Metrics as text for a scrape.
package struct Exposition: Sendable {
    /// The two formats that Prometheus reads.
    package enum Format: Sendable, Hashable {
        /// Prometheus' text format, version 0.0.4.
        case text
        /// OpenMetrics 1.0.
        case openMetrics

        /// The format for a request.
        ///
        /// - Parameter accept: the header `Accept`; OpenMetrics must be named there, and not be wanted less than text.
        package init(accept: String?) {
            let ranges = (accept ?? "").split(separator: ",").map(MediaRange.init)
            let quality = { (type: String) in ranges.filter { $0.type == type }.map(\.quality).max() ?? 0 }
            let openMetrics = quality("application/openmetrics-text")
            self = openMetrics > 0 && openMetrics >= quality("text/plain") ? .openMetrics : .text
        }

        package var contentType: String {
            switch self {
            case .text: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    private let format: Format
    private var text = ""
    private var claimed: Set<String> = []

    /// The text of some metrics, in their order.
    ///
    /// A metric without series is left out. So is one whose name another before it has taken: a parser would refuse
    /// all of the text.
    package static func text(of families: [MetricFamily], format: Format = .text) -> String {
        var exposition = Exposition(format: format)
        for family in families where !family.series.isEmpty { exposition.add(family) }
        if format == .openMetrics { exposition.text += "# EOF\n" }
        return exposition.text
    }

    private init(format: Format) {
        self.format = format
        text.reserveCapacity(1 << 16)
    }

    private mutating func add(_ family: MetricFamily) {
        let claims = family.claims
        guard claimed.isDisjoint(with: claims) else { return }
        claimed.formUnion(claims)
        let name = format == .openMetrics ? family.stem : family.name.text
        text += "# HELP \(name) \(escaped(family.help, quotes: format == .openMetrics))\n"
        text += "# TYPE \(name) \(typeName(family.kind))\n"
        for series in family.series {
            let labels = rendered(series.labels)
            switch series.value {
            case .number(let value): line(family.name.text, labels, ExpositionNumber.text(value))
            case .histogram(let histogram): add(histogram, name: family.name.text, labels: labels)
            }
        }
    }

    private mutating func add(_ histogram: Histogram, name: String, labels: String) {
        // Most lines of a scrape are buckets, so what they share is made once.
        let start = "\(name)_bucket{\(labels)\(labels.isEmpty ? "" : ",")le=\""
        let bounds = histogram.bounds.texts + ["+Inf"]
        var total: UInt64 = 0
        for (bound, count) in zip(bounds, histogram.counts) {
            total &+= count
            text += start
            text += bound
            text += "\"} "
            text += String(total)
            text += "\n"
        }
        line(name + "_sum", labels, ExpositionNumber.text(histogram.sum))
        line(name + "_count", labels, "\(total)")
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            text += labels
            text += "}"
        }
        text += " "
        text += value
        text += "\n"
    }

    private func rendered(_ labels: MetricLabels) -> String {
        labels.labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
    }

    private func typeName(_ kind: MetricFamily.Kind) -> String {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .info: format == .openMetrics ? "info" : "gauge"
        }
    }

    /// Scalars, not characters: a carriage return and a line feed are one character, and would pass as it.
    private func escaped(_ value: String, quotes: Bool) -> String {
        let isPlain = value.utf8.allSatisfy { byte in
            byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\"")
        }
        if isPlain { return value }
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// One entry of `Accept`.
private struct MediaRange {
    /// Without parameters, in lower case.
    let type: String
    /// How much it is wanted, 0 … 1.
    let quality: Double

    init(_ entry: Substring) {
        let parts = entry.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
        type = parts.first ?? ""
        let given = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) }
        quality = (given ?? 1) ?? 0
    }
}

/// Numbers as both formats spell them.
private enum ExpositionNumber {
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
