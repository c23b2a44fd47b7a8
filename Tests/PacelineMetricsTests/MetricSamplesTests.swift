import PacelineMetrics
import Testing

@Suite("Reading an exposition")
struct MetricSamplesTests {
    @Test func whatWasWrittenIsRead() throws {
        var histogram = Histogram([0.5, 1, 2])
        for value in [0.25, 0.75, 0.8, 3] { histogram.record(value) }
        let labels = ["", "plain", "a\\", "\\n", "\"", "\n", "{}", "a=\"b\",c=\"d\"", "é😀\u{301}", "} 1"]
        let numbers: [Double] = [0, 1, -1, 0.1, 1e-7, 1e300, .infinity, -.infinity]
        let labelled = labels.map { (MetricLabels([("label", $0), ("z", "1")]), 1.0) }
        let numbered = numbers.enumerated().map { (MetricLabels([("i", "\($0.offset)")]), $0.element) }
        let families: [MetricFamily] = [
            .gauge("gauge", "Help {with} \" braces\n.", labelled),
            .gauge("numbers", "N.", numbered),
            .counter("tokens", "Tokens.", [(.none, 12)]),
            .histogram("wait_seconds", "Wait.", [(MetricLabels([("model_name", "m")]), histogram)]),
        ]
        let text = Exposition.text(of: families)
        let samples = try MetricSamples(text)
        #expect(samples.values("gauge", by: "label").map(\.label) == labels)
        #expect(samples["numbers"].map(\.value) == numbers)
        #expect(samples.value("tokens_total") == 12)
        #expect(samples.value("tokens") == nil)
        #expect(samples.buckets("wait_seconds").map(\.bound) == [0.5, 1, 2, .infinity])
        #expect(samples.buckets("wait_seconds").map(\.count) == [1, 3, 3, 4])
        #expect(samples.value("wait_seconds_count") == 4)
        #expect(samples.names(beginning: "wait") == ["wait_seconds_bucket", "wait_seconds_count", "wait_seconds_sum"])
    }

    @Test func timestampsArePassedOver() throws {
        #expect(try MetricSamples("a 1 1700000000000\nb{x=\"y\"} 2 7\n").value("b") == 2)
    }

    @Test(arguments: [
        "a", "a x", "a{x=\"1\" 2", "a{x=1} 2", "a{x=\"1} 2", "{} 1", "a{x=\"1\"}", "<html>", "a{x=\"\\", "a{",
    ])
    func anythingElseIsRefusedWithItsLine(line: String) {
        let error = #expect(throws: MalformedMetrics.self) { try MetricSamples("# HELP a\n\(line)\n") }
        #expect(error?.line == 2)
    }
}
