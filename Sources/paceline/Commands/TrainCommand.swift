import ArgumentParser

/// `paceline train`: heads that draft for a target.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train a draft head for a model, on this machine's CPU.",
        discussion: """
            A head is a small network that reads the target's features, and drafts at a few hundredths of the cost of \
            a target's pass. It is trained on what paceline capture has written:

              paceline capture -m smollm2-135m -o smollm2.capture
              paceline train eagle -m smollm2-135m --data smollm2.capture -o smollm2.head.gguf --max-minutes 30
              paceline verifier -m smollm2-135m -md head:smollm2.head.gguf

            Which kind: eagle is one layer that drafts on with its own guesses. It drafts best, and costs a pass of \
            that layer for each level of a tree. medusa is several small heads that each guess one token further \
            ahead without knowing the tokens between. It costs next to nothing and needs one row of features for a \
            round, but its guesses get worse quickly. hydra is the same, and its heads know the tokens between; it \
            lies between the two.

            Every twentieth text is not trained on but measured with: the head drafts chains of 4 as it would for a \
            request, and the number of tokens a round decides which head is kept. The output always holds the best \
            one so far. Beside it, OUTPUT.record keeps where the training is; with --resume the same command goes on \
            from there. With the same options, data and machine the head is the same, bit for bit, whatever the \
            number of threads; with --max-minutes the number of steps depends on the machine's speed.
            """,
        subcommands: [TrainEagleCommand.self, TrainMedusaCommand.self, TrainHydraCommand.self]
    )
}

/// `paceline train eagle`
struct TrainEagleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eagle",
        abstract: "Train an EAGLE head, which guesses the target's next feature and drafts on with its own guesses.",
        discussion: """
            The number of tokens a round on texts that are not trained on decides which head is kept; paceline train \
            --help says more. To make a head cheaper, narrow it (--hidden) or let it draft fewer tokens \
            (--draft-vocab).
            """
    )

    @OptionGroup var training: TrainingOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Width of the head's feed-forward block, 16 to 65536 (default: the target's, but at most twice the width "
                + "of its embeddings or 1536).",
            valueName: "width"
        )
    )
    var hidden: Int?

    @Flag(
        inversion: .prefixedNo,
        help: "Begin with the target's last layer where the shapes agree, not with random numbers."
    )
    var copyLayer = true

    @Option(
        name: .customLong("self-feeding"),
        parsing: .unconditional,
        help: ArgumentHelp(
            "How often the head runs on a batch in the second half, then on its own guesses (HASS), 1 to 8.",
            valueName: "runs"
        )
    )
    var selfFeeding = 3

    func validate() throws {
        try validateRange(hidden, 16...65_536, "--hidden")
        try validateRange(selfFeeding, 1...8, "--self-feeding")
    }

    func run() async throws {
        try await training.run(EagleDesign(hidden: hidden, copiesLayer: copyLayer), selfFeeding: selfFeeding)
    }
}

/// How many heads, and how deep.
struct MedusaOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many tokens ahead there are heads for, 1 to 8: no draft is longer.",
            valueName: "count"
        )
    )
    var heads = 4

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Residual blocks of each head, 1 to 8.", valueName: "count")
    )
    var blocks = 1

    func validate() throws {
        try validateRange(heads, 1...8, "--heads")
        try validateRange(blocks, 1...8, "--blocks")
    }

    func design(readsTokens: Bool) -> MedusaDesign {
        MedusaDesign(heads: heads, blocks: blocks, readsTokens: readsTokens)
    }
}

/// `paceline train medusa`
struct TrainMedusaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "medusa",
        abstract: "Train Medusa's heads, which each guess one token further ahead from one row of features.",
        discussion: """
            A head knows the target's feature but not the tokens between it and its own, so all continuations of a \
            draft are the same at one depth, and the heads run once a round. Drafting costs little more than the \
            logits (--draft-vocab). The second head onwards guess much worse than the first; see paceline train hydra \
            for heads that know the tokens between.

            The number of tokens a round on texts that are not trained on decides which heads are kept; paceline \
            train --help says more.
            """
    )

    @OptionGroup var training: TrainingOptions
    @OptionGroup var heads: MedusaOptions

    func run() async throws { try await training.run(heads.design(readsTokens: false)) }
}

/// `paceline train hydra`
struct TrainHydraCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hydra",
        abstract: "Train Hydra's heads, which guess like Medusa's but know the tokens between.",
        discussion: """
            Each head also reads the embeddings of the tokens that were drafted before its own. It runs for each \
            continuation of a draft, and is wider the further ahead it guesses: head i reads i + 1 embeddings beside \
            the feature, so many heads (--heads) make large files.

            The number of tokens a round on texts that are not trained on decides which heads are kept; paceline \
            train --help says more.
            """
    )

    @OptionGroup var training: TrainingOptions
    @OptionGroup var heads: MedusaOptions

    func run() async throws { try await training.run(heads.design(readsTokens: true)) }
}
