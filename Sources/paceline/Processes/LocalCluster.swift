import PacelineCluster
import PacelineServer

/// A verifier and its workers as child processes on loopback, for as long as one command runs.
struct LocalCluster: Sendable {
    /// What to start.
    struct Arguments: Sendable {
        /// Arguments of `paceline verifier`, without the addresses.
        var verifier: [String]
        /// Each worker's label and arguments of `paceline worker`, without the address.
        var workers: [(label: String, arguments: [String])]
        /// The target's name, shown while it loads.
        var targetLabel: String
    }

    /// How long generation waits for workers; later ones still join.
    static let joinLimit = Duration.seconds(60)
    private static let pollInterval = Duration.milliseconds(20)

    /// Sends requests to the verifier.
    let client: ServerClient
    /// Milliseconds from the start of the verifier process until it was ready.
    let loadMS: Double

    /// Starts all processes, runs `body`, and always ends all processes.
    ///
    /// - Throws: ``LocalClusterError`` when the verifier does not come up, and what `body` throws.
    static func run(_ arguments: Arguments, _ body: @Sendable (LocalCluster) async throws -> Void) async throws {
        let family = ChildFamily()
        do {
            let (cluster, drafts) = try await startVerifier(arguments, family)
            let workers = try startWorkers(arguments, drafts: drafts, family)
            await cluster.waitForWorkers(workers, count: arguments.workers.count)
            try Task.checkCancellation()
            try await body(cluster)
        } catch {
            await family.end()
            throw error
        }
        await family.end()
    }

    // MARK: Starting

    private static func startVerifier(
        _ arguments: Arguments,
        _ family: ChildFamily
    ) async throws -> (LocalCluster, drafts: Endpoint) {
        let verifier = try family.start(
            ["verifier", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"] + arguments.verifier
        )
        let progress = ProgressLine("loading \(arguments.targetLabel)")
        defer { progress.clear() }
        for await announcement in verifier.announcements {
            switch announcement.event {
            case .progress: progress.update(announcement.fraction ?? 0)
            case .failed: throw LocalClusterError.verifierFailed(announcement.message ?? "the verifier failed")
            case .ready:
                guard let drafts = announcement.drafts, let http = announcement.http else {
                    throw LocalClusterError.verifierFailed("the verifier announced no addresses")
                }
                let client = try ServerClient(address: Endpoint(http))
                return (LocalCluster(client: client, loadMS: announcement.loadMS ?? 0), try Endpoint(drafts))
            }
        }
        try Task.checkCancellation()
        throw LocalClusterError.verifierFailed("the verifier ended before it was ready (\(await verifier.exit()))")
    }

    private static func startWorkers(
        _ arguments: Arguments,
        drafts: Endpoint,
        _ family: ChildFamily
    ) throws -> WorkerWatch {
        let watch = WorkerWatch()
        for worker in arguments.workers {
            watch.watch(try family.start(["worker", "--connect", "\(drafts)"] + worker.arguments), label: worker.label)
        }
        return watch
    }

    /// Waits until all running workers have joined, at most ``joinLimit``.
    private func waitForWorkers(_ workers: WorkerWatch, count: Int) async {
        let deadline = ContinuousClock.now + Self.joinLimit
        while ContinuousClock.now < deadline, !Task.isCancelled {
            let joined = (try? await client.workers().count) ?? 0
            if joined >= count - workers.lostCount { return }
            // Cancellation ends the loop through its condition.
            try? await Task.sleep(for: Self.pollInterval)
        }
    }
}

/// Why a local cluster did not come up.
enum LocalClusterError: Error, CustomStringConvertible {
    case verifierFailed(String)

    var description: String {
        switch self {
        case .verifierFailed(let reason): reason
        }
    }
}
