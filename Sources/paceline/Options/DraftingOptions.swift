import ArgumentParser
import PacelineCluster

/// How many workers `generate` starts and what they draft with.
struct DraftingOptions: ParsableArguments {
    static let fallback = ["ngram"]

    @OptionGroup var drafters: DrafterOptions
    @OptionGroup var planning: PlannerOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Worker processes, 0 to 16 (default: one per -md, else 0). With 0 the target decodes alone. "
                + "Drafters are assigned to workers in turn; without -md workers use ngram.",
            valueName: "count"
        )
    )
    var workers: Int?

    @Option(
        name: [.customLong("td", withSingleDash: true), .customLong("threads-draft")],
        parsing: .unconditional,
        help: ArgumentHelp("Threads of each worker, 1 to 256.", valueName: "count")
    )
    var threads = 1

    func validate() throws {
        try validateRange(workers, 0...16, "--workers")
        try validateRange(threads, ThreadOptions.range, "--threads-draft")
    }

    /// The drafters in use; throws if a model does not exist, and for heads.
    func names() throws -> [DrafterName] {
        let names = try workerCount == 0 ? [] : drafters.names(or: Self.fallback)
        try names.requireNoHead()
        return names
    }

    private var workerCount: Int { workers ?? drafters.drafters.count }

    /// Each worker's drafters, as named on the command line, assigned in turn.
    ///
    /// If workers outnumber drafters, several run the same one; otherwise a worker may host several drafters.
    var assignment: [[String]] {
        let named = drafters.drafters.isEmpty ? Self.fallback : drafters.drafters
        return (0..<workerCount).map { worker in
            let own = named.indices.filter { $0 % workerCount == worker }.map { named[$0] }
            return own.isEmpty ? [named[worker % named.count]] : own
        }
    }
}
