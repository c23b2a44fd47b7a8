import PacelineSpeculation

/// Carries out passes on an engine: what the compute thread does between taking a pass and returning its outcomes.
package struct PassRunner {
    private let engine: any TargetEngine

    package init(engine: any TargetEngine) {
        self.engine = engine
    }

    /// The part of the last pass that went into choosing tokens; nil if the engine does not measure it.
    package var samplingMilliseconds: Double? { engine.samplingMilliseconds }

    /// Closes, opens and computes. A sequence that cannot be opened fails alone.
    ///
    /// - Returns: one outcome per round of the pass.
    /// - Throws: what makes the engine unusable.
    package func run(_ pass: Pass, progress: ComputeProgress) throws -> [RoundOutcome] {
        for request in pass.closings {
            engine.close(request)
        }
        var failures: [RequestID: String] = [:]
        for opening in pass.openings {
            do {
                try engine.open(opening)
            } catch {
                failures[opening.request] = "\(error)"
            }
            progress.advance()
        }
        let rounds = pass.rounds.filter { failures[$0.request] == nil }
        var outcomes = rounds.isEmpty ? [] : try engine.run(rounds, taps: pass.taps, progress: progress)
        guard outcomes.count == rounds.count else { return outcomes }
        for (place, round) in pass.rounds.enumerated() {
            guard let reason = failures[round.request] else { continue }
            outcomes.insert(.failed(reason: reason), at: place)
        }
        return outcomes
    }
}
