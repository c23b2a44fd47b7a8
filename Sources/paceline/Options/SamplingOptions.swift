import ArgumentParser
import PacelineServer
import PacelineSpeculation

/// How the next token is chosen. The model, the prompt and these options determine every token.
struct SamplingOptions: ParsableArguments {
    @Option(
        name: [.customLong("temp"), .customLong("temperature")],
        parsing: .unconditional,
        help: ArgumentHelp("Temperature, 0 to 100; 0 always takes the most likely token.", valueName: "T")
    )
    var temperature: Float = 0

    @Option(
        name: .customLong("top-k"),
        parsing: .unconditional,
        help: ArgumentHelp("Keep only the k most likely tokens; 0 keeps all.", valueName: "k")
    )
    var topK = 0

    @Option(
        name: .customLong("top-p"),
        parsing: .unconditional,
        help: ArgumentHelp(
            "Keep the fewest tokens whose probabilities add up to p, above 0 and at most 1.",
            valueName: "p"
        )
    )
    var topP: Float = 1

    @Option(
        name: .customLong("min-p"),
        parsing: .unconditional,
        help: ArgumentHelp(
            "Keep tokens at least p times as likely as the most likely one, 0 to 1.",
            valueName: "p"
        )
    )
    var minP: Float = 0

    @Option(
        name: [.customLong("repeat-penalty"), .customLong("repetition-penalty")],
        parsing: .unconditional,
        help: ArgumentHelp("Penalise repeated tokens by this factor, 0.01 to 100; 1 is off.", valueName: "r")
    )
    var repetitionPenalty: Float = 1

    @Option(
        name: .customLong("frequency-penalty"),
        parsing: .unconditional,
        help: ArgumentHelp("Subtract this from a token's logit once per occurrence, -2 to 2.", valueName: "a")
    )
    var frequencyPenalty: Float = 0

    @Option(
        name: .customLong("presence-penalty"),
        parsing: .unconditional,
        help: ArgumentHelp("Subtract this from the logit of a token that occurs at all, -2 to 2.", valueName: "a")
    )
    var presencePenalty: Float = 0

    @Option(
        name: .customLong("repeat-last-n"),
        parsing: .unconditional,
        help: ArgumentHelp("How many of the latest tokens the penalties see; -1 for all, 0 for none.", valueName: "n")
    )
    var repeatLastN = 64

    @Option(
        name: .customLong("logit-bias"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Add a number (-100 to 100) to one token's logit; may be repeated.", valueName: "id=bias")
    )
    var logitBias: [LogitBiasArgument] = []

    @Option(
        help: ArgumentHelp("Sampling seed, 0 to 2^64-1; the same seed gives the same text.", valueName: "number")
    )
    var seed: UInt64 = 0

    func validate() throws {
        do {
            _ = try parameters.validated()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// The parameters from the flags, not yet checked against a vocabulary.
    var parameters: SamplingParameters {
        SamplingParameters(
            temperature: temperature,
            topK: topK,
            topP: topP,
            minP: minP,
            repetitionPenalty: repetitionPenalty,
            frequencyPenalty: frequencyPenalty,
            presencePenalty: presencePenalty,
            repeatLastN: repeatLastN,
            logitBias: logitBias.map(\.bias),
            seed: seed
        )
    }

    /// Writes the flags into a request to a verifier.
    func apply(to request: inout CompletionRequest) {
        request.temperature = temperature
        request.topK = topK
        request.topP = topP
        request.minP = minP
        request.repetitionPenalty = repetitionPenalty
        request.frequencyPenalty = frequencyPenalty
        request.presencePenalty = presencePenalty
        request.repeatLastN = repeatLastN
        request.logitBias = Dictionary(
            logitBias.map { ("\($0.bias.token)", $0.bias.bias) },
            uniquingKeysWith: { first, _ in first }
        )
        request.seed = seed
    }
}

/// Where a text ends.
struct EndingOptions: ParsableArguments {
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("End the text before this string; may be repeated.", valueName: "text")
    )
    var stop: [String] = []

    @Flag(name: .customLong("ignore-eos"), help: "Continue past the token that ends a text.")
    var ignoreEOS = false

    func validate() throws {
        do {
            _ = try StopStrings(stop)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// Writes the flags into a request to a verifier.
    func apply(to request: inout CompletionRequest) {
        request.stop = stop.isEmpty ? nil : stop
        request.ignoreEOS = ignoreEOS
    }
}

/// `ID=BIAS` on the command line.
struct LogitBiasArgument: ExpressibleByArgument {
    let bias: SamplingParameters.LogitBias

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let token = Token(parts[0]), let value = Float(parts[1]) else { return nil }
        bias = SamplingParameters.LogitBias(token: token, bias: value)
    }
}
