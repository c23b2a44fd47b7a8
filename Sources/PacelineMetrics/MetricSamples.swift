/// What a scrape says: the samples of an exposition in Prometheus' text format.
package struct MetricSamples: Sendable, Equatable {
    package struct Sample: Sendable, Equatable {
        package let labels: [String: String]
        package let value: Double
    }

    /// The samples in their order, by name.
    private var samples: [String: [Sample]] = [:]

    /// - Throws: ``MalformedMetrics`` for a line that is no sample.
    package init(_ text: String) throws(MalformedMetrics) {
        for (index, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        where !line.isEmpty && line.first != UInt8(ascii: "#") {
            var reader = SampleReader(rest: line)
            guard let (name, sample) = reader.sample() else { throw MalformedMetrics(line: index + 1) }
            samples[name, default: []].append(sample)
        }
    }

    /// The samples of this name, which for a histogram ends in `_bucket`, `_sum` or `_count`.
    package subscript(_ name: String) -> [Sample] { samples[name] ?? [] }

    /// The only sample of this name, or the sum of several; nil if there is none.
    package func value(_ name: String) -> Double? {
        let all = self[name]
        return all.isEmpty ? nil : all.reduce(0) { $0 + $1.value }
    }

    /// The values of this name by one of their labels.
    package func values(_ name: String, by label: String) -> [(label: String, value: Double)] {
        self[name].compactMap { sample in sample.labels[label].map { ($0, sample.value) } }
    }

    /// The upper bounds of a histogram's buckets with the counts up to them, in ascending order.
    package func buckets(_ name: String) -> [(bound: Double, count: Double)] {
        var counts: [Double: Double] = [:]
        for (text, count) in values(name + "_bucket", by: "le") {
            let bound = text == "+Inf" ? Double.infinity : Double(text)
            if let bound { counts[bound, default: 0] += count }
        }
        return counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Names that begin so, in order.
    package func names(beginning prefix: String) -> [String] {
        samples.keys.filter { $0.hasPrefix(prefix) }.sorted()
    }
}

/// A text is no exposition in Prometheus' format.
package struct MalformedMetrics: Error, Sendable, Hashable, CustomStringConvertible {
    /// The first line that is no sample, from 1.
    package let line: Int

    package var description: String { "line \(line) of the metrics is not in Prometheus' text format" }
}

/// Reads one line: `name{label="value",…} number [time]`.
private struct SampleReader {
    var rest: Substring.UTF8View

    mutating func sample() -> (String, MetricSamples.Sample)? {
        let name = word { $0 != UInt8(ascii: "{") && $0 != UInt8(ascii: " ") }
        guard !name.isEmpty else { return nil }
        var labels: [String: String] = [:]
        if skip("{") {
            while !skip("}") {
                let label = word { $0 != UInt8(ascii: "=") }
                guard skip("="), skip("\""), let value = quoted() else { return nil }
                labels[label] = value
                guard skip(",") || rest.first == UInt8(ascii: "}") else { return nil }
            }
        }
        while skip(" ") {}
        let number = word { $0 != UInt8(ascii: " ") }
        guard let value = Self.number(number) else { return nil }
        return (name, MetricSamples.Sample(labels: labels, value: value))
    }

    private static func number(_ text: String) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: Double(text)
        }
    }

    private mutating func word(while isPart: (UInt8) -> Bool) -> String {
        let word = rest.prefix(while: isPart)
        rest = rest[word.endIndex...]
        return String(decoding: word, as: UTF8.self)
    }

    private mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: scalar) else { return false }
        rest.removeFirst()
        return true
    }

    /// What stands before the next quote, which is consumed.
    private mutating func quoted() -> String? {
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                bytes.append(escaped == UInt8(ascii: "n") ? UInt8(ascii: "\n") : escaped)
            default: bytes.append(byte)
            }
        }
        return nil
    }
}
