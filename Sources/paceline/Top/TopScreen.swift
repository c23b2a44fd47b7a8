import PacelineServer

/// The figures as lines of text, for a terminal of a given size.
struct TopScreen {
    private let figures: TopFigures?
    private let speeds: [Double]
    private let address: String
    /// Why the last question had no answer.
    private let fault: String?

    init(_ history: TopHistory, address: String, fault: String? = nil) {
        figures = TopFigures(history)
        speeds = history.speeds
        self.address = address
        self.fault = fault
    }

    /// At most `height` lines of at most `width` characters each.
    func lines(width: Int, height: Int) -> [String] {
        var lines = [heading]
        if let fault { lines.append("no answer: \(fault)") }
        if let figures {
            lines += ["", speed(figures, width: width)] + summary(figures)
            if figures.gateway == nil {
                lines += ["", "accepted by depth"] + Self.bars(figures.depthBars, width: width)
                lines += ["", "time of a pass by rows"] + Self.bars(figures.passBars, width: width)
            }
            lines += table(figures, room: max(3, height - lines.count - 1))
            lines += figures.gatewayLines
        } else if fault == nil {
            lines.append("waiting for the first answer")
        }
        return lines.prefix(max(0, height)).map { Self.cut($0, to: width) }
    }

    /// The figures in one line, for output that is no terminal.
    var line: String {
        guard let figures else { return fault.map { "no answer: \($0)" } ?? "" }
        var parts = ["tokens/s " + (figures.tokensPerSecond.map { $0.formatted(decimals: 1) } ?? "-")]
        parts.append("running \(figures.requests.running)")
        if figures.gateway == nil { parts.append("waiting \(figures.requests.waiting)") }
        if let time = figures.timeToFirstToken { parts.append("ttft p50 \(Self.milliseconds(time.median))") }
        if let share = figures.drafting.acceptance { parts.append("accepted \(Self.percent(share))") }
        if let use = figures.cacheUse { parts.append("kv \(Self.percent(use))") }
        if let workers = figures.workers { parts.append("workers \(workers.count)") }
        return parts.joined(separator: "  ")
    }

    private var heading: String {
        ["paceline top", address, figures?.model].compactMap(\.self).joined(separator: "  ") + "   q quits"
    }

    private func speed(_ figures: TopFigures, width: Int) -> String {
        let rate = figures.tokensPerSecond.map { $0.formatted(decimals: 1) } ?? "-"
        let start = "tokens/s      " + Self.padded(rate, 9) + "  "
        return start + Self.sparkline(speeds, width: width - start.count)
    }

    private func summary(_ figures: TopFigures) -> [String] {
        let requests = figures.requests
        var states = ["\(requests.running) running"]
        if figures.gateway == nil { states.append("\(requests.waiting) waiting") }
        if let slots = requests.slots { states.append("\(slots) slots") }
        if let ended = requests.endedPerSecond { states.append("\(ended.formatted(decimals: 1)) ended/s") }
        if let failed = requests.failedPerSecond, failed > 0 {
            states.append("\(failed.formatted(decimals: 1)) refused or failed/s")
        }
        var lines = ["requests      " + states.joined(separator: ", ")]
        if let first = figures.timeToFirstToken { lines.append("first token   " + Self.quantiles(first)) }
        if let between = figures.timeBetweenCommits { lines.append("commits apart " + Self.quantiles(between)) }
        if let use = figures.cacheUse {
            let hits = figures.prefixHits.map { ", prompts found in it \(Self.percent($0))" } ?? ""
            lines.append("KV cache      \(Self.bar(use, width: 16)) \(Self.percent(use))" + hits)
        }
        if let share = figures.drafting.acceptance, let length = figures.drafting.meanAcceptanceLength {
            let tokens = length.formatted(decimals: 2)
            lines.append("drafts        \(Self.percent(share)) accepted, \(tokens) tokens a round with a tree")
        } else if figures.gateway == nil {
            lines.append("drafts        none")
        }
        return lines
    }

    private func table(_ figures: TopFigures, room: Int) -> [String] {
        guard let workers = figures.workers else { return [] }
        guard !workers.isEmpty else { return ["", "no workers"] }
        var table = TextTable(
            header: ["worker", "drafter", "drafted", "accepted", "", "state"],
            rightAligned: [2, 3, 4]
        )
        // Two lines are taken by the gap and the header, and one by what is left out.
        let shown = workers.count <= room - 2 ? workers.count : max(1, room - 3)
        for worker in workers.sorted(by: { ($0.drafter, $0.id) < ($1.drafter, $1.id) }).prefix(shown) {
            let (drafted, accepted) = (worker.numDraftTokens, worker.numAcceptedTokens)
            let share = drafted > 0 ? Self.percent(Double(accepted) / Double(drafted)) : ""
            let state = worker.isResting == true ? "rests: \(worker.restReason ?? "no reason given")" : "drafts"
            table.append([worker.id, worker.drafter, "\(drafted)", "\(accepted)", share, state])
        }
        var lines = [""] + table.text.split(separator: "\n").map(String.init)
        if shown < workers.count { lines.append("and \(workers.count - shown) more workers") }
        return lines
    }

    // MARK: Pieces

    private static func quantiles(_ time: TopFigures.Milliseconds) -> String {
        "p50 \(milliseconds(time.median)), p99 \(milliseconds(time.p99))"
    }

    static func milliseconds(_ value: Double) -> String { value.formatted(decimals: value < 10 ? 1 : 0) + " ms" }

    static func percent(_ share: Double) -> String { (100 * share).formatted(decimals: 1) + " %" }

    private static func padded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    static func bar(_ share: Double, width: Int) -> String {
        let filled = Int((min(1, max(0, share.isFinite ? share : 0)) * Double(width)).rounded())
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + "]"
    }

    /// The latest values that fit, each as a block whose height is its share of the largest.
    static func sparkline(_ values: [Double], width: Int) -> String {
        let blocks = Array("▁▂▃▄▅▆▇█")
        let shown = values.suffix(max(0, width))
        let largest = shown.max() ?? 0
        return String(
            shown.map { value in
                guard largest > 0, value > 0 else { return blocks[0] }
                return blocks[min(blocks.count - 1, Int(value / largest * Double(blocks.count)))]
            }
        )
    }

    /// Bars beside one another where the width allows.
    private static func bars(_ bars: [(name: String, value: String, share: Double)], width: Int) -> [String] {
        guard !bars.isEmpty else { return ["  none"] }
        let (nameWidth, valueWidth) = (bars.map(\.name.count).max() ?? 0, bars.map(\.value.count).max() ?? 0)
        let cells = bars.map { entry in
            "  \(padded(entry.name, nameWidth)) \(padded(entry.value, valueWidth)) \(bar(entry.share, width: 12))"
        }
        let perLine = max(1, width / max(1, cells[0].count))
        return stride(from: 0, to: cells.count, by: perLine).map { start in
            cells[start..<min(cells.count, start + perLine)].joined()
        }
    }

    private static func cut(_ line: String, to width: Int) -> String {
        line.count <= width ? line : width > 0 ? line.prefix(width - 1) + "…" : ""
    }
}

extension TopFigures {
    fileprivate var depthBars: [(name: String, value: String, share: Double)] {
        // Deeper than this, hardly anything is accepted.
        drafting.acceptanceByDepth.enumerated().prefix(12)
            .map { ("\($0.offset + 1)", TopScreen.percent($0.element), $0.element) }
    }

    fileprivate var passBars: [(name: String, value: String, share: Double)] {
        let longest = passTimes.map(\.milliseconds).max() ?? 0
        return passTimes.map { entry in
            let share = longest > 0 ? entry.milliseconds / longest : 0
            return ("\(entry.rows)", TopScreen.milliseconds(entry.milliseconds), share)
        }
    }

    fileprivate var gatewayLines: [String] {
        guard let gateway else { return [] }
        var table = TextTable(header: ["gateway", ""], rightAligned: [1])
        for (name, value) in gateway.sorted(by: { $0.key < $1.key }) {
            table.append([name, value.formatted(decimals: value == value.rounded() ? 0 : 3)])
        }
        return [""] + table.text.split(separator: "\n").map(String.init)
    }
}
