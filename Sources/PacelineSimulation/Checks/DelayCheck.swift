import PacelineCluster
import PacelineSpeculation

/// Checks that a verifier does not hold up tokens for the sake of drafts.
struct DelayCheck {
    /// Since when the next pass could have started; nil while a pass runs or there is no work.
    private var readySince: Instant?
    /// Nothing that began before counts.
    private var countsSince = Instant.zero

    /// The verifier has handled an event.
    mutating func follow(isBusy: Bool, isComputing: Bool, now: Instant) {
        if !isBusy {
            readySince = nil
        } else if !isComputing, readySince == nil {
            readySince = now
        }
    }

    mutating func passEnded(now: Instant) {
        readySince = now
    }

    /// The process was stopped meanwhile or its clock went astray, so the time does not count.
    mutating func restart(at time: Instant) {
        (readySince, countsSince) = (nil, time)
    }

    /// A pass is about to start: was it late, or does it take longer than a plain one would?
    mutating func passStarts(_ pass: Pass, _ context: SimulationContext) {
        defer { readySince = nil }
        guard let ready = readySince, ready >= countsSince, !pass.rounds.isEmpty else { return }
        let (scenario, journal) = (context.scenario, context.journal)
        let delay = (context.timeline.now - ready).inMilliseconds
        journal.statistics.longestDelay = max(journal.statistics.longestDelay, delay)
        if delay > scenario.waitLimit.inMilliseconds + 0.01 {
            journal.fail(.delay, "a pass of \(pass.rows) rows began \(delay) ms after it could have")
        }
        // Under contention the verifier measures other costs than the curve's, and plans by those.
        guard scenario.contention == 0 else { return }
        // A plain pass would have begun at once, with a row for each sequence and for each prompt token. The verifier
        // measures the costs, so it may be slightly off.
        let drafted = pass.rounds.reduce(0) { sum, round in
            if case .verify(let tree) = round.work { sum + tree.count } else { sum }
        }
        let plain = scenario.costs.milliseconds(rows: pass.rows - drafted)
        let overrun = scenario.costs.milliseconds(rows: pass.rows) - plain
        journal.statistics.longestOverrun = max(journal.statistics.longestOverrun, delay + overrun)
        let decoding = pass.rounds.count { if case .verify = $0.work { true } else { false } }
        let expected = scenario.costs.milliseconds(rows: max(1, decoding)) * (1 + scenario.passJitter)
        let limit = scenario.verifier.delayLimit(plainMilliseconds: expected)
        if delay + overrun > limit + max(1, 0.05 * plain) {
            let excess = "a pass that takes \(overrun) ms longer than a plain one"
            journal.fail(.delay, "\(excess) began \(delay) ms after it could have")
        }
    }
}
