import ArgumentParser
import PacelineModel

/// How long a sequence may become.
struct ContextOptions: ParsableArguments {
    /// The limit without `--context`. It bounds the memory for keys and values, which grows with each sequence.
    static let defaultLimit = 8192

    @Option(
        name: [.customShort("c"), .customLong("context")],
        parsing: .unconditional,
        help: ArgumentHelp(
            "Most tokens in one sequence, prompt included (default: the model's limit, at most \(defaultLimit)).",
            valueName: "tokens"
        )
    )
    var context: Int?

    func validate() throws {
        try validateRange(context, 1...(1 << 24), "--context")
    }

    /// The context length to use with a model, in tokens.
    ///
    /// - Throws: ``ContextTooLong`` if `--context` exceeds the model's limit.
    func length(for configuration: ModelConfiguration) throws -> Int {
        let longest = configuration.contextLength
        guard let context else { return min(longest, Self.defaultLimit) }
        guard context <= longest else { throw ContextTooLong(asked: context, longest: longest) }
        return context
    }
}

/// `--context` exceeds the model's limit.
struct ContextTooLong: Error, CustomStringConvertible {
    let asked: Int
    let longest: Int

    var description: String {
        "--context asks for \(asked) tokens, but the model holds \(longest); use that many or fewer"
    }
}
