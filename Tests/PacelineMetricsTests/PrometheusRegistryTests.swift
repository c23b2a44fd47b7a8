import CoreMetrics
import PacelineMetrics
import Testing

@Suite("The registry of metrics")
struct PrometheusRegistryTests {
    private let registry = PrometheusRegistry([
        "wait_seconds": .init(help: "Waiting.", bounds: [1, 2]), "sizes": .init(help: "Sizes.", bounds: [10]),
    ])

    /// The families that libraries have recorded.
    private func recorded(_ registry: PrometheusRegistry) -> [MetricFamily] {
        registry.families.filter { $0.name != "paceline_metrics_refused_total" }
    }

    private func refused(_ registry: PrometheusRegistry) -> MetricFamily.Value? {
        registry.families.last { $0.name == "paceline_metrics_refused_total" }?.series.first?.value
    }

    @Test("keeps what swift-metrics records, by kind, in the order of names and labels")
    func kinds() {
        let counter = Counter(label: "hb.requests", dimensions: [("path", "/b")], factory: registry)
        counter.increment(by: 3)
        Counter(label: "hb.requests", dimensions: [("path", "/a")], factory: registry).increment()
        FloatingPointCounter(label: "joules", factory: registry).increment(by: 0.5)
        Meter(label: "active", factory: registry).increment(by: 2)
        Gauge(label: "level", factory: registry).record(-1)
        Recorder(label: "sizes", factory: registry).record(11)
        Timer(label: "wait", factory: registry).recordMilliseconds(1500)
        var (sizes, wait) = (Histogram([10]), Histogram([1, 2]))
        sizes.record(11)
        wait.record(1.5)
        #expect(
            recorded(registry) == [
                .gauge("active", "Recorded by a library.", [(.none, 2)]),
                .counter("hb_requests_total", "Recorded by a library.", [(["path": "/a"], 1), (["path": "/b"], 3)]),
                .counter("joules_total", "Recorded by a library.", [(.none, 0.5)]),
                .gauge("level", "Recorded by a library.", [(.none, -1)]),
                .histogram("sizes", "Sizes.", [(.none, sizes)]),
                .histogram("wait_seconds", "Waiting.", [(.none, wait)]),
            ]
        )
    }

    @Test("gives everyone who names a series the same one, whatever the order of the labels")
    func identity() {
        for dimensions in [[("a", "1"), ("b", "2")], [("b", "2"), ("a", "1")]] {
            Counter(label: "c", dimensions: dimensions, factory: registry).increment()
        }
        #expect(recorded(registry).first?.series.map(\.value) == [.number(2)])
    }

    @Test("never lets a counter fall, and keeps what is not finite out of it")
    func counters() {
        let counter = registry.makeFloatingPointCounter(label: "c", dimensions: [])
        for amount in [2.5, -1, .nan, .infinity, 0] { counter.increment(by: amount) }
        registry.makeCounter(label: "c", dimensions: []).increment(by: -3)
        #expect(recorded(registry).first?.series.first?.value == .number(2.5))
        counter.reset()
        #expect(recorded(registry).first?.series.first?.value == .number(0))
    }

    @Test("shows a gauge that is not finite as it is")
    func gauges() throws {
        registry.makeMeter(label: "g", dimensions: []).set(Double.nan)
        guard case .number(let value) = try #require(recorded(registry).first?.series.first).value else {
            Issue.record("a gauge is a number")
            return
        }
        #expect(value.isNaN)
    }

    @Test("counts series beyond the limit as one, and refuses metrics beyond theirs")
    func bounded() {
        var limits = PrometheusRegistry.Limits()
        (limits.families, limits.seriesPerFamily, limits.valueLength) = (2, 3, 4)
        let registry = PrometheusRegistry(limits: limits)
        for path in 0..<100 {
            Counter(label: "requests", dimensions: [("path", "/\(path)")], factory: registry).increment()
        }
        for name in 0..<10 { Meter(label: "meter\(name)", factory: registry).set(1) }
        Counter(label: "requests", dimensions: [("path", "/0123456789")], factory: registry).increment()
        let families = recorded(registry)
        #expect(families.map(\.name) == ["meter0", "requests_total"])
        #expect(
            families.last
                == .counter(
                    "requests_total",
                    "Recorded by a library.",
                    [(["overflow": "true"], 98), (["path": "/0"], 1), (["path": "/1"], 1), (["path": "/2"], 1)]
                )
        )
        #expect(refused(registry) == .number(9))
    }

    @Test("keeps the first kind of a name, and refuses another")
    func conflict() {
        Meter(label: "x", factory: registry).set(1)
        Recorder(label: "x", factory: registry).record(5)
        #expect(recorded(registry) == [.gauge("x", "Recorded by a library.", [(.none, 1)])])
        #expect(refused(registry) == .number(1))
    }

    @Test("forgets a destroyed series, and starts anew when it comes back")
    func destroyed() {
        let counter = Counter(label: "c", dimensions: [("a", "1")], factory: registry)
        counter.increment(by: 5)
        Counter(label: "c", dimensions: [("a", "2")], factory: registry).increment()
        counter.destroy()
        #expect(recorded(registry).first?.series.map(\.labels) == [["a": "2"]])
        Counter(label: "c", dimensions: [("a", "1")], factory: registry).increment()
        #expect(recorded(registry).first?.series.map(\.value) == [.number(1), .number(1)])
    }

    @Test("loses nothing when many threads record and others scrape")
    func concurrency() async {
        let (tasks, rounds) = (8, 2000)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask { [registry] in
                    for round in 0..<rounds {
                        Counter(label: "c", dimensions: [("t", "\(round % 7)")], factory: registry).increment()
                        Meter(label: "m", factory: registry).increment(by: 1)
                        Recorder(label: "sizes", factory: registry).record(task)
                    }
                }
            }
            group.addTask { [registry] in
                for _ in 0..<50 {
                    for series in registry.families.flatMap(\.series) {
                        guard case .histogram(let sizes) = series.value else { continue }
                        #expect(sizes.counts.last == 0)
                        #expect(sizes.sum <= Double(sizes.count) * 7)
                    }
                }
            }
        }
        let numbers = recorded(registry).map { family in
            family.series.map { series in
                switch series.value {
                case .number(let number): number
                case .histogram(let histogram): Double(histogram.count)
                }
            }.reduce(0, +)
        }
        #expect(numbers == Array(repeating: Double(tasks * rounds), count: 3))
    }
}
