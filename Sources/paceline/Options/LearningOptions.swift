import ArgumentParser
import Glibc
import Logging
import PacelineCluster
import PacelineModel

/// A head that goes on learning.
struct LearningOptions: ParsableArguments {
    @Flag(
        help: ArgumentHelp(
            """
            Let the head of -md go on learning from the texts that are served, while nothing is: it is trained on most \
            of them, measured on the rest, and replaced between requests if that made it better. No token changes. It \
            takes memory for the training: about 20 bytes a weight, and 64 MiB for texts.
            """
        )
    )
    var learn = false

    @Option(
        name: .customLong("learned-head"),
        help: ArgumentHelp("Keep the better head in this file, which may be that of -md.", valueName: "file")
    )
    var output: String?

    @Option(
        name: .customLong("learn-share"),
        parsing: .unconditional,
        help: ArgumentHelp(
            "The share of one processor's time that learning may take while nothing is served, 0.01 to 1.",
            valueName: "share"
        )
    )
    var share = 0.5

    func validate() throws {
        try validateRange(share, 0.01...1, "--learn-share")
        guard share.isFinite else { throw ValidationError("--learn-share must be a number from 0.01 to 1") }
        guard learn || output == nil else {
            throw ValidationError("--learned-head needs --learn, without which nothing is learned")
        }
    }

    /// What learns; nil if nothing does.
    ///
    /// - Throws: `ValidationError` unless exactly one of the drafters is a head, or if its file cannot be written.
    func learning(among drafters: [DrafterName], logger: Logger) throws(ValidationError) -> HeadLearning? {
        guard learn else { return nil }
        let heads = drafters.filter { if case .head = $0 { true } else { false } }
        guard heads.count == 1 else {
            throw ValidationError(
                "--learn needs exactly one head among the drafters, and -md names \(heads.count); "
                    + "name one, as in -md head:smollm2.head.gguf"
            )
        }
        guard let output else { return HeadLearning(share: share, logger: logger) }
        try Self.check(output)
        return HeadLearning(share: share, logger: logger) { head in
            try OutputFile.replace(output, "the head", with: head.encoded())
        }
    }

    /// Sees whether the head can be written, and leaves no empty file.
    private static func check(_ path: String) throws(ValidationError) {
        let exists = access(path, F_OK) == 0
        try OutputFile.check("the head", at: path)
        if !exists { unlink(path) }
    }
}
