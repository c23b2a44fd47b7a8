import ArgumentParser
import PacelineModel

/// How long a sequence may become.
struct ContextOptions: ParsableArguments {
    /// Memory for keys and values is taken as sequences grow; this bounds what they can take if nothing is said.
    static let defaultLimit = 8192

    @Option(
        name: [.customShort("c"), .customLong("context")],
        parsing: .unconditional,
        help: ArgumentHelp(
            "Tokens that one sequence may hold, prompt included (default: the model's limit, at most \(defaultLimit)).",
            valueName: "tokens"
        )
    )
    var context: Int?

    func validate() throws {
        try validateRange(context, 1...(1 << 24), "--context")
    }

    /// The context of a model.
    ///
    /// - Throws: `ContextError` for more than the model holds.
    func length(for configuration: ModelConfiguration) throws -> Int {
        let longest = configuration.contextLength
        guard let context else { return min(longest, Self.defaultLimit) }
        guard context <= longest else { throw ContextTooLong(asked: context, longest: longest) }
        return context
    }
}

/// A context that the model does not hold.
struct ContextTooLong: Error, CustomStringConvertible {
    let asked: Int
    let longest: Int

    var description: String {
        "--context asks for \(asked) tokens, but the model holds \(longest); ask for at most that many"
    }
}
