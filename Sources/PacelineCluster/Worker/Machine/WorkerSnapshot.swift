package import PacelineWire

/// A worker's state in numbers, for probes, metrics and tests.
package struct WorkerSnapshot: Sendable, Equatable {
    /// One verifier that the worker is to serve.
    package struct Verifier: Sendable, Equatable {
        package enum State: Sendable, Equatable {
            /// A link is being made, or the next attempt is due later; with what ended the last one.
            case connecting(after: LinkFault?)
            case connected
            /// It will not have this worker.
            case refusing(LinkFault)
            /// Another address leads to the same verifier.
            case sameAsAnother
        }

        package var endpoint: Endpoint
        package var state: State
    }

    /// What it drafts with, as verifiers name it.
    package var drafter: String
    /// Sorted by address.
    package var verifiers: [Verifier] = []
    /// Verifiers with a link, also those that the worker is about to leave.
    package var connectedVerifiers = 0
    /// Requests that it may draft for at once.
    package var slots = 0
    /// Requests that are open.
    package var sequences = 0
    /// Those of them for which the verifier asks for nothing at present, by its reason.
    package var resting: [DraftRestReason: Int] = [:]
    package var tally = WorkerTally()
    /// Nodes drafted a second, over about the last ten seconds.
    package var nodesPerSecond = 0.0
    /// Whether it was told to leave all verifiers.
    package var isDraining = false

    package init(drafter: String) {
        self.drafter = drafter
    }

    /// Why the worker is of no use at present, in a sentence; nil if it is connected to a verifier.
    package var obstacle: String? {
        if isDraining { return "the worker is shutting down" }
        guard connectedVerifiers == 0 else { return nil }
        guard let first = verifiers.first else { return "no verifier has been found yet" }
        let others = verifiers.count == 1 ? "" : " (and \(verifiers.count - 1) more)"
        let place = "\(first.endpoint)\(others)"
        switch first.state {
        case .connecting(nil), .connected, .sameAsAnother: return "not connected to \(place) yet"
        case .connecting(let fault?), .refusing(let fault): return "not connected to \(place): \(fault)"
        }
    }
}
