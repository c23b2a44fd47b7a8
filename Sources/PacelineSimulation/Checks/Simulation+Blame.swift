import PacelineCluster
import PacelineWire

extension Simulation {
    func take(_ note: VerifierNote, of index: Int) {
        self.note("verifier", "\(index): \(note)")
        let life = verifiers[index].state.life
        switch note {
        case .linkClosed(let link, _, let fault):
            let key = VerifierLinkKey(verifier: index, life: life, link: link)
            if blame.isPoisoned(key), case .malformed = fault { noteDetection() }
            if blame.isInnocent(key) { judge(fault, "verifier \(index)") }
        case .treeRefused(let link, let request, let reason):
            guard blame.isInnocent(VerifierLinkKey(verifier: index, life: life, link: link)) else { return }
            fail(.blame, "verifier \(index) refused a tree of an honest worker for \(request): \(reason)")
        case .engineFailed(let reason): fail(.engine, "verifier \(index): \(reason)")
        case .workerJoined, .workerDraining, .workerGaveUp, .drained: break
        }
    }

    func take(_ note: WorkerNote, ofWorker index: Int) {
        self.note("worker", "\(index): \(note)")
        guard case .linkClosed(_, let fault, _) = note else { return }
        statistics.reconnections += 1
        if !workers[index].hasMetPoison {
            judge(fault, "worker \(index)")
        } else if case .malformed = fault {
            noteDetection()
        }
    }

    /// A link to an honest peer over an honest network has ended: not by its mistake.
    private func judge(_ fault: LinkFault, _ who: String) {
        switch fault {
        case .malformed, .unexpected, .violation, .internal, .noCommonVersion, .otherModel, .authenticationFailed:
            fail(.blame, "\(who) accused an honest peer: \(fault)")
        case .reported(let code, let reason) where [.badFrame, .badMessage, .unexpected, .limit].contains(code):
            // The peer may have met poison that this side cannot know of.
            note("accused", "\(who) by its peer: \(reason)")
        default: break
        }
    }
}
