import PacelineModel

/// The tables of `bench engine`: each figure beside its limit, with a bar for the share that was reached.
struct EngineReportText {
    private let report: EngineReport
    private let startup: StartupReport

    init(_ report: EngineReport, startup: StartupReport) {
        self.report = report
        self.startup = startup
    }

    var text: String {
        [machine, start, speed, verify, contexts].filter { !$0.isEmpty }.joined(separator: "\n")
    }

    private var machine: String {
        var table = TextTable()
        table.append(["instruction set, threads", "\(report.instructionSet), \(report.threads)"])
        table.append(["read bandwidth", "\(report.bandwidth.formatted(decimals: 1)) GB/s"])
        table.append(["the same, multiplying 4 bits", "\(report.codesBandwidth.formatted(decimals: 1)) GB/s"])
        table.append(["int8 peak", "\(report.int8Peak.formatted(decimals: 0)) GMAC/s"])
        table.append(["float32 peak", "\(report.floatPeak.formatted(decimals: 0)) GFLOP/s"])
        table.append(["weights per pass", report.bytesPerPass.asBytes])
        return table.text
    }

    private var start: String {
        let load = startup.load / .milliseconds(1)
        let limit = startup.limitMilliseconds(bandwidth: report.bandwidth)
        var table = TextTable(header: ["start", "ms", "limit", "reached", ""], rightAligned: [1, 2, 3])
        table.append(row("load (read and repack)", load, limit))
        table.append(["first token", (startup.firstToken / .milliseconds(1)).formatted(decimals: 1)])
        let resident = Double(startup.residentBytes) / Double(startup.fileBytes)
        return table.text
            + "memory held: \(startup.residentBytes.asBytes) = \(resident.formatted(decimals: 2)) x the file "
            + "(\(startup.peakResidentBytes.asBytes) at the peak, some of it page cache)\n"
    }

    private var speed: String {
        var table = TextTable(header: ["speed", "tokens/s", "limit", "reached", ""], rightAligned: [1, 2, 3])
        let prefillShare = report.limitMilliseconds(rows: report.prefillTokens) / report.prefillMilliseconds
        for (name, speed, share) in [
            ("decode (bandwidth)", report.decodeTokensPerSecond, report.fractionOfBandwidth),
            ("decode (bandwidth, multiplying)", report.decodeTokensPerSecond, report.fractionOfCodesBandwidth),
            (
                "prefill of \(report.prefillTokens) (int8 peak)", report.prefillTokensPerSecond,
                report.fractionOfInt8Peak
            ),
            ("prefill of \(report.prefillTokens) (kernels)", report.prefillTokensPerSecond, prefillShare),
        ] {
            // A speed of 0 was not measured, so its limit is unknown too.
            let limit = share > 0 ? (speed / share).formatted(decimals: 1) : ""
            table.append([name, speed.formatted(decimals: 1), limit, percent(share), bar(share)])
        }
        return table.text
    }

    private var verify: String {
        let passes = report.verifyMilliseconds.sorted { $0.key < $1.key }
        guard let first = passes.first?.value, let longest = passes.map(\.value).max() else { return "" }
        var table = TextTable(
            header: [
                "rows of a pass", "ms", "ratio", "bandwidth ms", "int8 peak ms", "kernels ms", "reached",
                "limits' ratio", "ms",
            ],
            rightAligned: [0, 1, 2, 3, 4, 5, 6, 7]
        )
        let firstLimit = passes.first.map { report.limitMilliseconds(rows: $0.key) } ?? 1
        for (rows, milliseconds) in passes {
            let limit = report.limitMilliseconds(rows: rows)
            table.append([
                "\(rows)", milliseconds.formatted(decimals: 1), (milliseconds / first).formatted(decimals: 2),
                report.memoryMilliseconds().formatted(decimals: 1),
                report.arithmeticMilliseconds(rows: rows).formatted(decimals: 1),
                report.kernelMilliseconds[rows]?.formatted(decimals: 1) ?? "",
                percent(limit / milliseconds), (limit / firstLimit).formatted(decimals: 2), bar(milliseconds / longest),
            ])
        }
        return table.text
    }

    private var contexts: String {
        let passes = report.decodeMillisecondsByContext.sorted { $0.key < $1.key }
        guard let longest = passes.map(\.value).max() else { return "" }
        var table = TextTable(
            header: ["decode at context", "ms", "keys, values", "bandwidth ms", "reached", "ms"],
            rightAligned: [0, 1, 2, 3, 4]
        )
        for (context, milliseconds) in passes {
            let limit = report.memoryMilliseconds(context: context)
            table.append([
                "\(context)", milliseconds.formatted(decimals: 1), (context * report.cacheBytesPerToken).asBytes,
                limit.formatted(decimals: 1), percent(limit / milliseconds), bar(milliseconds / longest),
            ])
        }
        return table.text
    }

    private func row(_ name: String, _ milliseconds: Double, _ limit: Double) -> [String] {
        [
            name, milliseconds.formatted(decimals: 1), limit.formatted(decimals: 1), percent(limit / milliseconds),
            bar(limit / milliseconds),
        ]
    }

    private func percent(_ share: Double) -> String { "\((share * 100).formatted(decimals: 0)) %" }

    private func bar(_ share: Double) -> String {
        String(repeating: "█", count: share.isNaN ? 1 : max(1, Int((min(share, 1) * 40).rounded())))
    }
}
