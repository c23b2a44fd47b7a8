import NIOCore
import PacelineSpeculation
import PacelineWire

/// Measures what a target's passes cost by running some on a sequence of its own, for a second at most.
struct CostProbe {
    /// Clients' requests are numbered from 1.
    private static let request = RequestID(rawValue: 0)

    private let engine: any TargetEngine
    private let tokenCount: Int

    init(_ target: LoadedTarget) {
        engine = target.engine
        tokenCount = target.description.fingerprint.tokenCount
    }

    /// - Throws: what the engine throws, or ``CostCurveError``.
    func measure(progress: ComputeProgress) throws -> CostCurve {
        let sampling = SamplingParameters.greedy
        let opening = Pass.Opening(request: Self.request, base: [0], sampling: sampling, lengthLimit: 1024)
        try engine.open(opening)
        defer { engine.close(Self.request) }
        var schedule = CostSchedule()
        // The first pass touches memory that no pass has touched before.
        schedule.spend(milliseconds: try milliseconds(rows: 1, progress: progress))
        while let rows = schedule.next {
            schedule.record(milliseconds: try milliseconds(rows: rows, progress: progress))
        }
        return try schedule.curve()
    }

    /// The time of one pass that verifies a tree of `rows` - 1 nodes.
    private func milliseconds(rows: Int, progress: ComputeProgress) throws -> Double {
        var tree = TokenTree()
        for index in 1..<max(rows, 1) {
            // Chains of four: some depth and some width, as real trees have.
            let parent = index % 4 == 1 ? nil : tree.indices.last
            let token = Token(index % tokenCount)
            _ = try tree.insert(TokenTree.Node(parent: parent, token: token, logProbability: -1))
        }
        let start = NIODeadline.now()
        _ = try engine.run([Round(request: Self.request, work: .verify(tree))], progress: progress)
        return max(0.001, Double((NIODeadline.now() - start).nanoseconds) / 1e6)
    }
}
