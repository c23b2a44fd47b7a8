import ArgumentParser
import PacelineCluster

/// `asynchronous` or `stop-and-wait` on the command line.
extension DraftingMode: ExpressibleByArgument {}
