import PacelineCluster

/// A verifier may turn requests away only if its queue is full.
enum OverloadCheck {
    /// - Parameter who: the request, for people.
    static func judge(_ fault: RequestFault, of who: String, _ context: SimulationContext) {
        let (journal, limits) = (context.journal, context.scenario.verifier)
        switch fault {
        case .overloaded(let running, let waiting):
            journal.count(.overload)
            guard waiting < limits.queueLimit else { return }
            journal.fail(.caps, "\(who) was turned away with \(running) running and \(waiting) waiting")
        case .tenantOverloaded(let waiting):
            journal.count(.overload)
            guard waiting < limits.queueLimitPerTenant else { return }
            journal.fail(.caps, "\(who) was turned away with \(waiting) of its tenant waiting")
        default: break
        }
    }
}
