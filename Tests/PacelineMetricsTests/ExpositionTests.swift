import PacelineMetrics
import Testing

@Suite("The exposition of metrics")
struct ExpositionTests {
    @Test("has help, type and value of a metric, once for all its series")
    func text() {
        let families: [MetricFamily] = [
            .gauge("num_requests_running", "Running requests.", [(.none, 3)]),
            .counter("trees", "Trees by outcome.", [(["outcome": "current"], 7), (["outcome": "stale"], 0)]),
            .info("cache_config", "Cache.", ["block_size": "16"]),
        ]
        #expect(
            Exposition.text(of: families) == """
                # HELP num_requests_running Running requests.
                # TYPE num_requests_running gauge
                num_requests_running 3
                # HELP trees_total Trees by outcome.
                # TYPE trees_total counter
                trees_total{outcome="current"} 7
                trees_total{outcome="stale"} 0
                # HELP cache_config_info Cache.
                # TYPE cache_config_info gauge
                cache_config_info{block_size="16"} 1

                """
        )
    }

    @Test("names a counter and an info without their suffix in OpenMetrics, and ends with EOF")
    func openMetrics() {
        let families: [MetricFamily] = [
            .counter("trees_total", "Say \"what\".", [(["outcome": "current"], 7)]),
            .info("cache_config_info", "Cache.", ["block_size": "16"]),
        ]
        #expect(
            Exposition.text(of: families, format: .openMetrics) == """
                # HELP trees Say \\"what\\".
                # TYPE trees counter
                trees_total{outcome="current"} 7
                # HELP cache_config Cache.
                # TYPE cache_config info
                cache_config_info{block_size="16"} 1
                # EOF

                """
        )
    }

    @Test("adds the buckets of a histogram up, and ends them with +Inf and the count")
    func histogram() {
        var histogram = Histogram([0.5, 1, 1_000_000])
        for value in [0.25, 0.5, 0.75, 1, 1.5, 2e6] { histogram.record(value) }
        let family = MetricFamily.histogram("wait_seconds", "Wait.", [(["model_name": "m"], histogram)])
        #expect(
            Exposition.text(of: [family]) == """
                # HELP wait_seconds Wait.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{model_name="m",le="0.5"} 2
                wait_seconds_bucket{model_name="m",le="1.0"} 4
                wait_seconds_bucket{model_name="m",le="1e+06"} 5
                wait_seconds_bucket{model_name="m",le="+Inf"} 6
                wait_seconds_sum{model_name="m"} 2000004
                wait_seconds_count{model_name="m"} 6

                """
        )
    }

    @Test("escapes what would end a label, a help or a line, also a line feed after a carriage return")
    func escaping() {
        let family = MetricFamily.gauge("g", "a\\b\nc\"d", [(["l": "\\ \" \n \r\n é \u{0}"], 1)])
        #expect(
            Exposition.text(of: [family])
                == "# HELP g a\\\\b\\nc\"d\n# TYPE g gauge\ng{l=\"\\\\ \\\" \\n \r\\n é \u{0}\"} 1\n"
        )
    }

    @Test("spells numbers as Prometheus reads them")
    func numbers() {
        let values: [(MetricLabels, Double)] = [
            .nan, .infinity, -.infinity, 0.1, 1e-7, 1e300, -0.0, 12_345_678_901,
        ].enumerated().map { (["i": "\($0.offset)"], $0.element) }
        let lines = Exposition.text(of: [.gauge("g", "G.", values)]).split(separator: "\n").dropFirst(2)
        let spelled = ["NaN", "+Inf", "-Inf", "0.1", "1e-07", "1e+300", "0", "12345678901"]
        #expect(lines.map { $0.split(separator: " ").last.map(String.init) } == spelled)
    }

    @Test("leaves out a metric without series, and one whose name is taken")
    func leftOut() {
        let families: [MetricFamily] = [
            .gauge("empty", "E.", []),
            .histogram("wait", "W.", [(.none, Histogram([1]))]),
            .counter("wait_count_total", "C.", [(.none, 1)]),
            .counter("steps", "S.", [(.none, 1)]),
            .gauge("steps", "S.", [(.none, 2)]),
        ]
        let names = Exposition.text(of: families).split(separator: "\n").filter { $0.hasPrefix("# TYPE") }
        #expect(names == ["# TYPE wait histogram", "# TYPE steps_total counter"])
    }

    @Test("makes any text a name, and any labels a set of names")
    func names() {
        let names = [
            "http.server.duration": "http_server_duration", "9x": "_9x", "": "_", "vllm:x": "vllm:x", "é": "_",
        ]
        for (raw, name) in names { #expect(MetricName(raw).text == name) }
        let labels = MetricLabels([("b", "1"), ("a:b", "2"), ("le", "3"), ("__x", "4"), ("b", "5"), ("a.b", "6")])
        #expect(labels.labels.map(\.name) == ["a_b", "b", "exported___x", "exported_le"])
        #expect(labels.labels.map(\.value) == ["2", "1", "4", "3"])
        #expect(MetricLabels([("a", "xyz")], valueLimit: 2) == ["a": "xy"])
    }

    @Test("repeats a metric under another name, with more labels")
    func alias() {
        let family = MetricFamily.counter("paceline_trees_total", "T.", [(["outcome": "stale"], 4)])
        #expect(
            family.alias("vllm:trees_total", adding: ["model_name": "m", "outcome": "other"])
                == .counter("vllm:trees_total", "T.", [(["outcome": "stale", "model_name": "m"], 4)])
        )
    }

    @Test(
        "is OpenMetrics only for who asks for it",
        arguments: [
            (nil, .text),
            ("", .text),
            ("*/*", .text),
            ("text/plain;version=0.0.4", .text),
            ("application/openmetrics-text", .openMetrics),
            ("Application/OpenMetrics-Text ; version=1.0.0 ; q=0.5, text/plain;q=0.3, */*;q=0.1", .openMetrics),
            ("application/openmetrics-text;q=0.2,text/plain;q=0.3", .text),
            ("application/openmetrics-text;q=0", .text),
            ("application/openmetrics-text;q=x,;,;;q=", .text),
        ] as [(String?, Exposition.Format)]
    )
    func negotiation(accept: String?, format: Exposition.Format) {
        #expect(Exposition.Format(accept: accept) == format)
    }
}
