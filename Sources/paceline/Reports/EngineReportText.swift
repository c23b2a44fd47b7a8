import PacelineModel

/// What `bench engine` shows to people: tables, and bars where one looks rather than reads.
struct EngineReportText {
    private let report: EngineReport
    private let loading: Duration

    init(_ report: EngineReport, loading: Duration) {
        self.report = report
        self.loading = loading
    }

    var text: String {
        [machine, speed, verify, contexts].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var machine: String {
        var table = TextTable()
        table.append(["instruction set", report.instructionSet])
        table.append(["threads", "\(report.threads)"])
        table.append(["read bandwidth", "\(report.bandwidth.formatted(decimals: 1)) GB/s"])
        table.append(["int8 peak", "\(report.int8Peak.formatted(decimals: 0)) GMAC/s"])
        table.append(["float32 peak", "\(report.floatPeak.formatted(decimals: 0)) GFLOP/s"])
        table.append(["weights per pass", report.bytesPerPass.asBytes])
        table.append(["load", "\((loading / .seconds(1)).formatted(decimals: 2)) s"])
        return table.text
    }

    private var speed: String {
        var table = TextTable(header: ["", "tokens/s", "of its limit"], rightAligned: [1, 2])
        table.append([
            "decode (memory)", report.decodeTokensPerSecond.formatted(decimals: 1), percent(report.fractionOfBandwidth),
        ])
        table.append([
            "prefill (int8)", report.prefillTokensPerSecond.formatted(decimals: 1), percent(report.fractionOfInt8Peak),
        ])
        return table.text
    }

    private var verify: String {
        let passes = report.verifyMilliseconds.sorted { $0.key < $1.key }
        guard let first = passes.first?.value, let longest = passes.map(\.value).max() else { return "" }
        var table = TextTable(header: ["rows", "ms", "ratio", "of its limit", ""], rightAligned: [0, 1, 2, 3])
        for (rows, milliseconds) in passes {
            table.append([
                "\(rows)", milliseconds.formatted(decimals: 1), (milliseconds / first).formatted(decimals: 2),
                percent(report.limitMilliseconds(nodes: rows) / milliseconds), bar(milliseconds / longest),
            ])
        }
        return table.text
    }

    private var contexts: String {
        let passes = report.decodeMillisecondsByContext.sorted { $0.key < $1.key }
        guard let longest = passes.map(\.value).max() else { return "" }
        var table = TextTable(header: ["context", "ms", "KV read", ""], rightAligned: [0, 1, 2])
        for (context, milliseconds) in passes {
            table.append([
                "\(context)", milliseconds.formatted(decimals: 1), (context * report.cacheBytesPerToken).asBytes,
                bar(milliseconds / longest),
            ])
        }
        return table.text
    }

    private func percent(_ share: Double) -> String { "\((share * 100).formatted(decimals: 0)) %" }

    private func bar(_ share: Double) -> String {
        String(repeating: "█", count: max(1, Int((share * 40).rounded())))
    }
}
