package import PacelineCluster
import PacelineSpeculation

extension MetricsText {
    /// A verifier's state.
    package init(_ snapshot: VerifierSnapshot) {
        self.init()
        add("num_requests_running", .gauge, "Running requests.", snapshot.running)
        add("num_requests_waiting", .gauge, "Requests waiting for a slot.", snapshot.waiting)
        add("num_workers", .gauge, "Connected workers.", snapshot.workers.count(where: \.isConnected))
        addSpeculation(snapshot)
        add("verify_passes_total", .counter, "Passes of the target.", snapshot.passes)
        add("plain_rounds_total", .counter, "Rounds of a sequence without a tree to verify.", snapshot.plainRounds)
        add(
            "verify_pass_seconds",
            .gauge,
            "The cost curve: the time of a pass by its rows, measured at start-up and kept up to date.",
            label: "rows",
            snapshot.costs.map { ("\($0.rows)", $0.milliseconds / 1e3) }
        )
    }

    private mutating func addSpeculation(_ snapshot: VerifierSnapshot) {
        let figures = snapshot.speculation
        add("spec_decode_num_drafts_total", .counter, "Trees that were verified.", figures.drafts)
        add("spec_decode_num_draft_tokens_total", .counter, "Nodes that were verified.", figures.draftedTokens)
        add("spec_decode_num_accepted_tokens_total", .counter, "Nodes that were accepted.", figures.acceptedTokens)
        add(
            "spec_decode_num_accepted_tokens_per_pos_total",
            .counter,
            "Trees with an accepted node at this depth.",
            label: "position",
            figures.acceptedPerPosition.enumerated().map { ("\($0.offset)", Double($0.element)) }
        )
        let trees = snapshot.trees
        add(
            "trees_total",
            .counter,
            "Trees that workers sent, by outcome.",
            label: "outcome",
            [
                ("current", trees.current), ("rerooted", trees.rerooted), ("stale", trees.stale),
                ("over_credit", trees.overCredit), ("invalid", trees.invalid),
            ].map { ($0.0, Double($0.1)) }
        )
    }
}
