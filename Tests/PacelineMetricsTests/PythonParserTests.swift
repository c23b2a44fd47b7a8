import Foundation
import PacelineMetrics
import Testing

/// What Prometheus' client for Python reads is what was written.
@Suite("Metrics, read by Prometheus' client for Python")
struct PythonParserTests {
    private struct Family: Decodable {
        let name: String
        let kind: String
        let help: String
        let samples: [Sample]
    }

    private struct Sample: Decodable, Equatable {
        let name: String
        let labels: [String: String]
        let value: String

        init(_ name: String, _ labels: MetricLabels, _ value: Double, bound: String? = nil) {
            self.name = name
            self.labels = Dictionary(uniqueKeysWithValues: labels.labels.map { ($0.name, $0.value) })
                .merging(bound.map { ["le": $0] } ?? [:]) { $1 }
            self.value = value.isInfinite ? (value < 0 ? "-inf" : "inf") : "\(value)"
        }

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            name = try container.decode(String.self)
            labels = try container.decode([String: String].self)
            value = try container.decode(String.self)
        }
    }

    private static let hostile = [
        "", "plain", "a\\", "\\n", "\"", "\n", "\r\n", "\r", "{}", "a=\"b\",c=\"d\"", "# HELP x y", "é😀\u{301}", "\t ",
        "\u{85}\u{2028}",
    ]

    private static var families: [MetricFamily] {
        var histogram = Histogram([0.001, 0.5, 1, 2.5, 10_000, 5_000_000])
        for value in [0, 0.5, 0.75, 3, 1e7] { histogram.record(value) }
        let numbers = [0, 1, -1, 0.1, 1e-7, 1e300, 123_456_789_012, .infinity, -.infinity, .nan]
        return [
            .gauge(
                "paceline_gauge",
                "Help with \\ and \n and \" in it.",
                hostile.map { (["label": $0, "z": "1"], 1) }
            ),
            .gauge("paceline_numbers", "N.", numbers.enumerated().map { (["i": "\($0.offset)"], $0.element) }),
            .counter("vllm:tokens_total", "Tokens.", [(["model_name": "m", "finished_reason": "stop"], 12)]),
            .histogram("vllm:wait_seconds", "Wait.", hostile.map { (["label": $0], histogram) }),
            .histogram("empty_seconds", "E.", [(.none, Histogram([]))]),
            .info("vllm:cache_config", "Cache.", ["block_size": "16", "num_gpu_blocks": "2080"]),
            .gauge(MetricName("weird name.with-everything"), "W.", [(MetricLabels([("label name", "x")]), 1)]),
        ]
    }

    @Test("gives every sample back, in both formats", arguments: [Exposition.Format.text, .openMetrics])
    func roundTrip(format: Exposition.Format) throws {
        let parsed = try Self.parse(Exposition.text(of: Self.families, format: format), format)
        try #require(parsed.count == Self.families.count)
        for (family, parsed) in zip(Self.families, parsed) {
            let suffix =
                family.kind == .counter ? "_total" : family.kind == .info && format == .openMetrics ? "_info" : ""
            #expect(parsed.name + suffix == family.name.text)
            #expect(parsed.help == family.help)
            #expect(parsed.kind == Self.kind(family.kind, format))
            #expect(parsed.samples == Self.samples(of: family))
        }
    }

    private static func kind(_ kind: MetricFamily.Kind, _ format: Exposition.Format) -> String {
        switch kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .info: format == .text ? "gauge" : "info"
        }
    }

    private static func samples(of family: MetricFamily) -> [Sample] {
        let name = family.name.text
        return family.series.flatMap { series -> [Sample] in
            switch series.value {
            case .number(let value): return [Sample(name, series.labels, value)]
            case .histogram(let histogram):
                let bounds = histogram.bounds.values + [.infinity]
                let buckets = bounds.indices.map { index in
                    let count = histogram.counts[...index].reduce(0, +)
                    return Sample(name + "_bucket", series.labels, Double(count), bound: spelled(bounds[index]))
                }
                return buckets + [
                    Sample(name + "_sum", series.labels, histogram.sum),
                    Sample(name + "_count", series.labels, Double(histogram.count)),
                ]
            }
        }
    }

    /// As `prometheus_client.utils.floatToGoString` spells the bounds of this test.
    private static func spelled(_ bound: Double) -> String {
        bound.isInfinite ? "+Inf" : bound == 5_000_000 ? "5e+06" : "\(bound)"
    }

    private static func parse(_ text: String, _ format: Exposition.Format) throws -> [Family] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let script = folder.appendingPathComponent("MetricsExposition/parse.py").path
        process.arguments = ["python3", script, format == .text ? "text" : "openmetrics"]
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(
            process.terminationStatus == 0,
            "parse.py failed; it needs prometheus-client (see Tests/MetricsExposition/README.md)"
        )
        return try data.split(separator: UInt8(ascii: "\n")).map { try JSONDecoder().decode(Family.self, from: $0) }
    }
}
