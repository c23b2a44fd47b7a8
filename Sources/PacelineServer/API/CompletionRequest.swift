package import PacelineSpeculation

/// The body of `POST /v1/completions`: OpenAI's fields, and others with vLLM's and llama.cpp's names.
///
/// Absent fields take the documented defaults; unknown fields are ignored, as OpenAI's clients expect.
/// Fields that OpenAI defines but Paceline does not support are refused if they request something
/// (``UnsupportedOptions``), because ignoring them would change what the client gets.
package struct CompletionRequest: Codable, Sendable, Hashable {
    /// The served model's id; nil accepts any.
    package var model: String?
    package var prompt: CompletionPrompt
    /// The most tokens to generate; by default 16, as at OpenAI.
    package var maxTokens: Int?
    package var temperature: Float?
    /// 0 or -1 keeps all.
    package var topK: Int?
    package var topP: Float?
    package var minP: Float?
    package var repetitionPenalty: Float?
    package var frequencyPenalty: Float?
    package var presencePenalty: Float?
    /// How many of the latest tokens the penalties consider; -1 for all.
    package var repeatLastN: Int?
    /// Token ids (as strings, because they are JSON keys) and the numbers to add to their logits.
    package var logitBias: [String: Float]?
    package var stop: StopStrings?
    /// Random if absent; the answer reports it in any case.
    package var seed: RequestedSeed?
    /// Whether generation continues past the end-of-text token.
    package var ignoreEOS: Bool?
    /// Whether the text is sent as server-sent events while it is generated.
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

    /// The request's sampling parameters, validated.
    ///
    /// - Parameters:
    ///   - vocabularySize: biased tokens must be below it.
    ///   - randomSeed: used when the request names no seed.
    /// - Throws: ``APIError`` (400) that names the field, the allowed values and the value that came.
    package func sampling(
        vocabularySize: Int,
        randomSeed: @autoclosure () -> UInt64
    ) throws(APIError) -> SamplingParameters {
        var sampling = SamplingParameters(seed: seed?.bits ?? randomSeed())
        sampling.temperature = temperature ?? sampling.temperature
        // Clients of other servers disable it with -1.
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

    private func logitBiases() throws(APIError) -> [SamplingParameters.LogitBias] {
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
