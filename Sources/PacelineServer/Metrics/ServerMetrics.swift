package import PacelineCluster
package import PacelineMetrics
import PacelineModel
import Synchronization

/// What `/metrics` answers, from the first second on.
///
/// Reads what the verifier published last: a scrape waits neither for an event loop nor for a pass. Before there is a
/// verifier, its figures are zero.
package final class ServerMetrics: Sendable {
    /// Where a verifier's figures are read.
    private struct Source: Sendable {
        let board: SnapshotBoard
        let target: TargetDescription
    }

    private let modelName: String
    private let registry: PrometheusRegistry
    private let source = Mutex<Source?>(nil)
    private let forecast = GainForecast()

    /// - Parameters:
    ///   - modelName: the label of figures that have vLLM's names.
    ///   - registry: what libraries record; follows the verifier's figures.
    package init(modelName: String, registry: PrometheusRegistry = PrometheusRegistry()) {
        (self.modelName, self.registry) = (modelName, registry)
    }

    /// Shows a verifier's figures from now on.
    package func begin(reading board: SnapshotBoard, of target: TargetDescription) {
        source.withLock { $0 = Source(board: board, target: target) }
    }

    /// All figures.
    package var families: [MetricFamily] {
        let source = source.withLock { $0 }
        let figures = source?.board.latest ?? .empty
        let gains = source.map { forecast.gains(reading: $0.board) } ?? []
        var families = VerifierFamilies(figures, pages: source?.target.pages?(), gains: gains).families
        families += families.compactMap(alias)
        return families + registry.families
    }

    /// The figure under vLLM's name, if vLLM has it.
    private func alias(_ family: MetricFamily) -> MetricFamily? {
        VerifierFamilies.vllmName(of: family).map { family.alias($0, adding: ["model_name": modelName]) }
    }
}
