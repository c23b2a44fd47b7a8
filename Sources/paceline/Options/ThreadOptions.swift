import ArgumentParser
import Glibc
import PacelineTensor

/// Threads for a model's arithmetic.
struct ThreadOptions: ParsableArguments {
    /// More threads than any machine this is meant for has.
    static let range = 1...256

    @Option(
        name: [.customShort("t"), .customLong("threads")],
        parsing: .unconditional,
        help: ArgumentHelp(
            "Threads that compute the model, 1 to 256 (default: one per core). The tokens do not depend on it.",
            valueName: "count"
        )
    )
    var threads: Int?

    func validate() throws {
        try validateRange(threads, Self.range, "--threads")
    }

    /// The threads to use.
    var count: Int { threads ?? Self.cores }

    /// The cores of this machine that the process may run on.
    static var cores: Int {
        let online = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        return min(range.upperBound, max(1, online))
    }
}

/// Throws a sentence that names the flag and its range unless `value` is absent or inside.
func validateRange<Value: Comparable>(_ value: Value?, _ range: ClosedRange<Value>, _ flag: String) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(flag) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
}
