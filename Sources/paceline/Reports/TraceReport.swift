import PacelineServer

/// A trace as people read it.
struct TraceReport {
    private let body: RequestTraceBody

    init(_ body: RequestTraceBody) {
        self.body = body
    }

    var text: String {
        let names = "request \(body.id), answer \(body.answer), trace \(body.traceID)\n"
        return names + body.choices.map { text(of: $0) }.joined()
    }

    private func text(of choice: RequestTraceBody.Choice) -> String {
        let title = body.choices.count > 1 ? "\nchoice \(choice.index)\n" : ""
        return title + summary(of: choice) + "\n" + parts(of: choice.timings) + "\n" + rounds(of: choice)
    }

    private func summary(of choice: RequestTraceBody.Choice) -> String {
        var words = "\(choice.phase)" + (choice.ending.map { ": \($0)" } ?? "") + "; \(choice.promptTokens) tokens in, "
        words += "\(choice.completionTokens) out, \(choice.roundCount) rounds"
        if choice.draftTokens > 0 {
            let share = Double(choice.acceptedTokens) / Double(choice.draftTokens) * 100
            words += "; \(choice.draftTokens) nodes verified, \(choice.acceptedTokens) accepted "
            words += "(\(share.formatted(decimals: 0)) %)"
        }
        return words + "\n"
    }

    private func parts(of timings: RequestTraceBody.Timings) -> String {
        var table = TextTable(rightAligned: [1])
        let parts: [(String, Double?, String)] = [
            ("queue", timings.queueMS, "until a slot was free"),
            ("prefill", timings.prefillMS, "until the first token"),
            ("draft wait", timings.draftWaitMS, "passes that waited for drafts"),
            ("verify", timings.verifyMS, "passes of the target, which other requests shared"),
            ("sample", timings.sampleMS, "choosing tokens from logits"),
            ("other", timings.otherMS, "between passes"),
            ("send", timings.sendMS, "on average, until a round's tokens had left"),
            ("total", timings.totalMS, "from submission to the last token"),
        ]
        for (name, milliseconds, words) in parts {
            table.append([name, milliseconds.map { $0.formatted(decimals: 2) + " ms" } ?? "-", words])
        }
        return table.text
    }

    private func rounds(of choice: RequestTraceBody.Choice) -> String {
        var table = TextTable(
            header: [
                "round", "at ms", "wait", "verify", "sample", "send", "rows", "verified", "accepted", "drafts", "text",
            ],
            rightAligned: Set(0...8)
        )
        var last = 0
        for round in choice.rounds {
            if round.number > last &+ 1 { table.append(["…"]) }
            last = round.number
            table.append(row(round))
        }
        return table.text
    }

    private func row(_ round: RequestTraceBody.Round) -> [String] {
        let number = { (value: Double?) in value.map { $0.formatted(decimals: 1) } ?? "-" }
        var row = ["\(round.number)", number(round.atMS), number(round.waitMS), number(round.verifyMS)]
        row += [number(round.sampleMS), number(round.sendMS)]
        row.append("\(round.rows)" + (round.sequences > 1 ? "/\(round.sequences)" : ""))
        if let prefilled = round.prefilled {
            let reused = round.reused.map { $0 > 0 ? ", \($0) found in the cache" : "" } ?? ""
            return row + ["", "", "", "(\(prefilled) tokens of the prompt\(reused))"]
        }
        let drafts = round.drafts.map { draft in
            "\(draft.drafter) \(draft.nodes)" + (draft.ageMS.map { " (\($0.formatted(decimals: 1)) ms before)" } ?? "")
        }
        return row + [
            "\(round.verified)", "\(round.accepted)", drafts.joined(separator: ", "), round.text.debugDescription,
        ]
    }

    /// The requests that can be traced.
    static func text(of list: RequestList) -> String {
        guard !list.data.isEmpty else { return "no request is known yet\n" }
        var table = TextTable(
            header: ["request", "answer", "phase", "in", "out", "rounds", "ms"],
            rightAligned: [3, 4, 5, 6]
        )
        for entry in list.data {
            let choice = entry.choice > 0 ? " [\(entry.choice)]" : ""
            table.append([
                entry.id, entry.answer + choice, entry.phase, "\(entry.promptTokens)", "\(entry.completionTokens)",
                "\(entry.rounds)", entry.ageMS.formatted(decimals: 0),
            ])
        }
        return table.text
    }
}
