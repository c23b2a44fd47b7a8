import PacelineCluster
import PacelineSpeculation

/// A run told as a story and drawn as a sequence diagram.
package struct Explanation {
    private let seed: UInt64
    private let trial: Trial
    private let events: [SimulationEvent]
    private let statistics: SimulationStatistics
    private let violation: Violation?
    private let end: Instant

    /// Runs a trial once more, and notes what happens.
    ///
    /// - Parameter seed: what the trial came from.
    package init(of trial: Trial, seed: UInt64) throws {
        var events: [SimulationEvent] = []
        let simulation = try Simulation(trial.scenario) { events.append($0) }
        simulation.run()
        (self.seed, self.trial, self.events) = (seed, trial, events)
        statistics = simulation.statistics
        violation = try simulation.violation ?? trial.verdict(on: simulation)
        end = simulation.now
    }

    /// The run as a trace, a JSON object on each line.
    package var trace: String { events.map { $0.json + "\n" }.joined() }

    /// The run as an SVG document.
    package var diagram: String { SequenceDiagram(events, title: "seed \(seed)").document }

    /// The run in English, a line for each event that matters.
    package var story: String {
        (cast + [""] + plot + [""] + moral).joined(separator: "\n") + "\n"
    }

    // MARK: Who takes part

    private var cast: [String] {
        let scenario = trial.scenario
        var lines = ["Seed \(seed): \(number(scenario.verifiers, "verifier")) of \(scenario.verifier.slots) slots."]
        if scenario.gateways > 0 { lines.append("\(number(scenario.gateways, "gateway")) in front of them.") }
        for (index, worker) in scenario.workers.enumerated() {
            var line = "worker \(index) drafts by \(worker.drafter), \(worker.stepMilliseconds) ms a step"
            if worker.isForeign { line += ", for another model" }
            if worker.straggling > 1 { line += ", now and then \(worker.straggling) times slower" }
            lines.append(line + ".")
        }
        if scenario.byzantineWorkers > 0 {
            lines.append("\(number(scenario.byzantineWorkers, "worker")) break the protocol on purpose.")
        }
        for (index, request) in scenario.requests.enumerated() {
            var line = "client \(index) asks for \(request.maximumTokens) tokens behind \(request.prompt.count)"
            line += ", at \(milliseconds(request.start))"
            if let cancel = request.cancel { line += ", and leaves \(milliseconds(cancel)) later" }
            if let limit = request.readLimit { line += ", and stops reading after \(number(limit, "token"))" }
            lines.append(line + ".")
        }
        let kinds = FaultKind.allCases.filter(scenario.faults.contains).map(\.rawValue)
        lines.append("Faults: \(kinds.isEmpty ? "none" : kinds.joined(separator: ", ")).")
        return lines
    }

    // MARK: What happens

    /// Kinds of events that come too often to tell each.
    private static let crowd: Set<String> = ["frame", "pass", "answer"]

    private var plot: [String] {
        var lines: [String] = []
        var counts: [String: Int] = [:]
        func flush() {
            guard !counts.isEmpty else { return }
            let parts = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            lines.append("              … " + parts.joined(separator: ", "))
            counts = [:]
        }
        for event in events {
            let isLast = event.kind == "answer" && !event.detail.hasSuffix("tokens")
            guard !Self.crowd.contains(event.kind) || isLast else {
                counts[
                    event.kind == "frame" ? event.detail : "\(event.kind)es".replacing("answeres", with: "answers"),
                    default: 0
                ] += 1
                continue
            }
            flush()
            lines.append(line(event))
        }
        flush()
        return lines
    }

    private func line(_ event: SimulationEvent) -> String {
        let time = "\(event.milliseconds)"
        let who = [event.from, event.to].compactMap(\.self).joined(separator: " → ")
        let padding = String(repeating: " ", count: max(0, 10 - time.count))
        let mark = event.kind == "fault" ? "!! " : event.kind == "violation" ? "XX " : ""
        return "\(padding)\(time) ms  \(mark)\(who.isEmpty ? event.kind : who): \(event.detail)"
    }

    // MARK: How it ends

    private var moral: [String] {
        if let violation { return ["\(violation)"] }
        let work = "\(number(statistics.tokens, "token")) in \(number(statistics.requests, "question"))"
        return ["Every promise was kept: \(work) were those of plain decoding, \(milliseconds(end - .zero)) in all."]
    }

    private func number(_ count: Int, _ noun: String) -> String {
        "\(count) \(noun)\(count == 1 ? "" : "s")"
    }

    private func milliseconds(_ span: Duration) -> String {
        "\(Int(span.inMilliseconds)) ms"
    }
}
