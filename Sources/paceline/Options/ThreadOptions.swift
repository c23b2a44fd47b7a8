import ArgumentParser
import PacelineTensor

/// Threads for a model's arithmetic.
struct ThreadOptions: ParsableArguments {
    /// Up to more threads than any machine this is meant for has.
    static let range = 1...256

    @Option(
        name: [.customShort("t"), .customLong("threads")],
        parsing: .unconditional,
        help: ArgumentHelp(
            "Threads that compute the model, 1 to 256 (default: one per CPU that it may use). "
                + "Tokens do not depend on the number.",
            valueName: "count"
        )
    )
    var threads: Int?

    func validate() throws {
        try validateRange(threads, Self.range, "--threads")
    }

    /// The threads to use.
    var count: Int { threads ?? Self.fallback }

    /// One for each CPU that the process may use.
    static var fallback: Int { min(range.upperBound, UsableProcessors.count()) }

    /// Warns on standard error if a flag asks for more threads than there are usable CPUs. Call once per command.
    ///
    /// - Parameter asked: the threads that each flag asks for; nil if it was omitted.
    static func warnIfTooMany(_ asked: [(flag: String, threads: Int?)]) {
        let processors = UsableProcessors.count()
        let flags = asked.filter { ($0.threads ?? 0) > processors }.map { "\($0.flag) \($0.threads ?? 0)" }
        guard !flags.isEmpty else { return }
        StandardError.sentence(
            "warning: \(flags.joined(separator: " and ")) is more than the \(processors) "
                + "CPU\(processors == 1 ? "" : "s") that this process may use; one thread per CPU is faster"
        )
    }

    /// Warns like ``warnIfTooMany(_:)``, for a command without other threads.
    ///
    /// - Parameter service: a process that ends with its parent stays silent, because the parent has already warned.
    func warnIfTooMany(unless service: ServiceOptions? = nil) {
        if service?.exitWithParent == true { return }
        Self.warnIfTooMany([("--threads", threads)])
    }
}

/// Throws an error that names the flag and its range, unless `value` is nil or in range.
func validateRange<Value: Comparable>(_ value: Value?, _ range: ClosedRange<Value>, _ flag: String) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(flag) must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
}
