package import PacelineSpeculation

/// The body of `POST /v1/completions`: OpenAI's fields, with vLLM's and llama.cpp's names for what OpenAI lacks.
///
/// Fields that are absent take the documented defaults; fields nobody knows are ignored, as OpenAI's clients expect.
/// Fields that OpenAI defines and Paceline does not offer are refused when they ask for something
/// (``UnsupportedOptions``), since ignoring them would change what the client gets.
package struct CompletionRequest: Codable, Sendable, Hashable {
    /// The served model's id; nil means whichever is served.
    package var model: String?
    package var prompt: CompletionPrompt
    /// Tokens to generate at most; 16 unless given, as OpenAI has it.
    package var maxTokens: Int?
    package var temperature: Float?
    /// 0 or -1 keeps all.
    package var topK: Int?
    package var topP: Float?
    package var minP: Float?
    package var repetitionPenalty: Float?
    package var frequencyPenalty: Float?
    package var presencePenalty: Float?
    /// How many of the latest tokens the penalties look at; -1 for all.
    package var repeatLastN: Int?
    /// Token ids (as strings, since they are JSON keys) and what is added to their logits.
    package var logitBias: [String: Float]?
    package var stop: StopStrings?
    /// Drawn at random when absent, and reported in the answer either way.
    package var seed: RequestedSeed?
    /// Whether generation goes on past the end-of-text token.
    package var ignoreEOS: Bool?
    /// Whether the text comes as server-sent events while it is generated.
    package var stream: Bool?

    package init(prompt: CompletionPrompt) {
        self.prompt = prompt
    }

    enum CodingKeys: String, CodingKey {
        case model, prompt, temperature, stop, seed, stream
        case maxTokens = "max_tokens"
        case topK = "top_k"
        case topP = "top_p"
        case minP = "min_p"
        case repetitionPenalty = "repetition_penalty"
        case frequencyPenalty = "frequency_penalty"
        case presencePenalty = "presence_penalty"
        case repeatLastN = "repeat_last_n"
        case logitBias = "logit_bias"
        case ignoreEOS = "ignore_eos"
    }
}

extension CompletionRequest {
    package static let defaultMaxTokens = 16

    /// The sampling parameters that the request asks for, checked.
    ///
    /// - Parameters:
    ///   - vocabularySize: biased tokens must be below it.
    ///   - randomSeed: used when the request names no seed.
    /// - Throws: ``GatewayError`` (400) naming the field, what it may be and what came.
    package func sampling(
        vocabularySize: Int,
        randomSeed: @autoclosure () -> UInt64
    ) throws(GatewayError) -> SamplingParameters {
        var sampling = SamplingParameters(seed: seed?.bits ?? randomSeed())
        sampling.temperature = temperature ?? sampling.temperature
        // Others' clients turn it off by -1.
        sampling.topK = topK.map { $0 == -1 ? 0 : $0 } ?? sampling.topK
        sampling.topP = topP ?? sampling.topP
        sampling.minP = minP ?? sampling.minP
        sampling.repetitionPenalty = repetitionPenalty ?? sampling.repetitionPenalty
        sampling.frequencyPenalty = frequencyPenalty ?? sampling.frequencyPenalty
        sampling.presencePenalty = presencePenalty ?? sampling.presencePenalty
        sampling.repeatLastN = repeatLastN ?? sampling.repeatLastN
        sampling.logitBias = try logitBiases()
        do throws(SamplingError) {
            return try sampling.validated(vocabularySize: vocabularySize)
        } catch {
            throw .invalidRequest("\(error)")
        }
    }

    private func logitBiases() throws(GatewayError) -> [SamplingParameters.LogitBias] {
        var biases: [SamplingParameters.LogitBias] = []
        for (key, bias) in logitBias ?? [:] {
            guard let token = Token(key) else {
                throw .invalidRequest("logit_bias has the key \"\(key)\", which must be a token id")
            }
            biases.append(SamplingParameters.LogitBias(token: token, bias: bias))
        }
        return biases
    }
}
