import PacelineMetrics

/// What proxies have done, as metrics: Toxiproxy's families, and ours.
enum ProxyFamilies {
    static func families(of proxies: [(record: ProxyRecord, done: ProxyStatistics)]) -> [MetricFamily] {
        [
            bytes("received", "Bytes that a proxy took in.", proxies) { Double($0.received) },
            bytes("sent", "Bytes that a proxy gave out.", proxies) { Double($0.sent) },
            counter("connections_total", "Connections that a proxy took.", proxies) { $0.accepted },
            counter("connections_refused_total", "Connections beyond a proxy's limit.", proxies) { $0.refused },
            counter("connections_failed_total", "Connections without an upstream.", proxies) { $0.failed },
            .gauge(
                "paceline_chaos_connections_open",
                "Connections of a proxy that are open.",
                proxies.map { (["proxy": $0.record.name], Double($0.done.open)) }
            ),
            .counter(
                "paceline_chaos_faults_total",
                "Faults that connections felt, by toxic.",
                proxies.flatMap { proxy in
                    proxy.done.faults.sorted { $0.key < $1.key }.map { toxic, count in
                        (["proxy": proxy.record.name, "toxic": toxic], Double(count))
                    }
                }
            ),
        ]
    }

    private static func bytes(
        _ verb: String,
        _ help: String,
        _ proxies: [(record: ProxyRecord, done: ProxyStatistics)],
        _ count: (ProxyStatistics.Bytes) -> Double
    ) -> MetricFamily {
        .counter(
            MetricName("toxiproxy_proxy_\(verb)_bytes_total"),
            help,
            proxies.flatMap { proxy in
                [("upstream", proxy.done.upstream), ("downstream", proxy.done.downstream)].map { direction, bytes in
                    let labels: MetricLabels = [
                        "direction": direction, "proxy": proxy.record.name, "listener": proxy.record.listen,
                        "upstream": proxy.record.upstream,
                    ]
                    return (labels, count(bytes))
                }
            }
        )
    }

    private static func counter(
        _ name: String,
        _ help: String,
        _ proxies: [(record: ProxyRecord, done: ProxyStatistics)],
        _ count: (ProxyStatistics) -> UInt64
    ) -> MetricFamily {
        .counter(
            MetricName("paceline_chaos_\(name)"),
            help,
            proxies.map { (["proxy": $0.record.name], Double(count($0.done))) }
        )
    }
}
