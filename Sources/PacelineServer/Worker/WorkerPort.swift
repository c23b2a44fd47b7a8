package import PacelineCluster
package import PacelineMetrics
import Synchronization

/// What a worker answers over HTTP: probes and figures. Nobody can draft, generate or read a text here, so that it
/// needs no key.
///
/// Figures are those that the worker published last: a scrape waits neither for an event loop nor for a draft step.
package final class WorkerPort: Sendable {
    private let drafter: String
    private let registry: PrometheusRegistry
    private let client = Mutex<WorkerClient?>(nil)

    /// - Parameters:
    ///   - drafter: what the worker drafts with, as verifiers name it.
    ///   - registry: what libraries record; follows the worker's figures.
    package init(drafter: String, registry: PrometheusRegistry = PrometheusRegistry()) {
        (self.drafter, self.registry) = (drafter, registry)
    }

    /// The drafters are loaded: from now on the worker is of use once it is connected.
    package func begin(_ worker: WorkerClient) {
        client.withLock { $0 = worker }
    }

    /// Everything that there is.
    package var routes: RouteTable {
        let probes = ProbeRoutes(
            ["/health"],
            checkReadiness: { [self] in try checkUse() },
            checkLife: { [self] in
                guard try await client.withLock({ $0 })?.isComputeAlive() ?? true else { throw APIError.hung }
            }
        )
        let figures = Route.metrics { [self] in WorkerFamilies(snapshot).families + registry.families }
        return RouteTable(probes.routes + [figures])
    }

    private var snapshot: WorkerSnapshot {
        client.withLock { $0 }?.board.latest ?? WorkerSnapshot(drafter: drafter)
    }

    /// Throws unless the worker drafts, or would if it were asked to.
    private func checkUse() throws(APIError) {
        guard let worker = client.withLock({ $0 }) else {
            throw .unavailable("the drafters are being loaded", code: "loading", retryAfter: 1)
        }
        guard let obstacle = worker.board.latest.obstacle else { return }
        throw .unavailable(obstacle, code: "not_connected", retryAfter: 1)
    }
}

extension APIError {
    fileprivate static let hung = unavailable(
        "drafting has stopped in the middle of a step; restart the worker",
        code: "stuck",
        retryAfter: 10
    )
}
