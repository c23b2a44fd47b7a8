import ArgumentParser
import PacelineSpeculation

/// What shapes the trees that drafters grow.
struct PlannerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            What shapes drafted trees (default: best-first, which expands the most probable paths as long as that \
            pays). For comparison, methods of the literature: chain, tree (k-ary), eagle-2, opt-tree, dyspec, sequoia, \
            rsd-c, rsd-s, adaedl, specdec++ and goodput. Settings follow a colon: chain:length=5, \
            eagle-2:width=10,depth=6. None changes a token, and the verifier still checks only the nodes that pay.
            """,
            valueName: "name[:key=value,…]"
        ),
        transform: { try PlannerSettings($0) }
    )
    var planner: PlannerSettings?

    /// The arguments that pass it on to a worker.
    var arguments: [String] { planner.map { ["--planner", "\($0)"] } ?? [] }
}
