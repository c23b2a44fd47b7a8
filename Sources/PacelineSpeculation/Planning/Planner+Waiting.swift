extension Planner {
    /// Whether a round should wait for nodes that are on their way, rather than start with what is there.
    ///
    /// It should when the tokens per millisecond, counted from now, are expected to be higher with them, although the
    /// verifier idles until they come. One arrival is looked at; the question is asked anew when it has come.
    ///
    /// - Parameters:
    ///   - arrival: the nodes that are expected next.
    ///   - plan: the round that could start now.
    ///   - waited: milliseconds since the round could have started first.
    ///   - limit: the longest that any round may wait, in milliseconds.
    package func isWorthWaiting(
        for arrival: ArrivalForecast.Arrival,
        plan: Plan,
        waited: Double,
        limit: Double,
        cost: CostCurve
    ) -> Bool {
        let room = policy.nodeBudget - plan.nodeCount
        guard room > 0, arrival.nodes > 0, waited + arrival.delay <= limit else { return false }
        let fitting = Swift.min(arrival.nodes, room)
        // Nodes that do not fit are the less probable ones; without knowing which, their share is the same.
        let gain = arrival.expectedTokens * Double(fitting) / Double(arrival.nodes)
        let time = arrival.delay + cost.milliseconds(rows: plan.rows + fitting)
        return (plan.expectedTokens + gain) / time > plan.rate * (1 + policy.minimumSpeedUp)
    }
}
