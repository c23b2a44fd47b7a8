package import PacelineChat
import PacelineSpeculation

extension GenerationOptions {
    /// The sampling parameters that the fields ask for, without the seed.
    static func sampling(_ fields: RequestFields, vocabularySize: Int) throws(APIError) -> SamplingParameters {
        var sampling = SamplingParameters()
        try set(&sampling.temperature, fields, "temperature")
        try set(&sampling.topP, fields, "top_p")
        try set(&sampling.minP, fields, "min_p")
        // Two names of one parameter, of llama.cpp and of vLLM.
        try set(&sampling.repetitionPenalty, fields, "repeat_penalty")
        try set(&sampling.repetitionPenalty, fields, "repetition_penalty")
        try set(&sampling.frequencyPenalty, fields, "frequency_penalty")
        try set(&sampling.presencePenalty, fields, "presence_penalty")
        let bound = Int(Int32.max)
        let topK = try fields.integer("top_k", in: -1...bound, "0 or -1 (off) or a positive whole number")
        sampling.topK = max(topK ?? sampling.topK, 0)
        let window = "-1 (the whole sequence), 0 (off) or a positive whole number"
        sampling.repeatLastN = try fields.integer("repeat_last_n", in: -1...bound, window) ?? sampling.repeatLastN
        sampling.logitBias = try logitBias(fields)
        do throws(SamplingError) {
            return try sampling.validated(vocabularySize: vocabularySize)
        } catch {
            throw .invalidRequest("\(error)", param: error.parameter)
        }
    }

    private static func set(_ value: inout Float, _ fields: RequestFields, _ name: String) throws(APIError) {
        value = try fields.number(name).map { Float($0) } ?? value
    }

    private static func logitBias(_ fields: RequestFields) throws(APIError) -> [SamplingParameters.LogitBias] {
        guard let object = try fields.object("logit_bias") else { return [] }
        var biases: [SamplingParameters.LogitBias] = []
        for entry in object.ordered.entries {
            guard case .text(let key) = entry.key, let token = Token(key.string) else {
                throw .invalidRequest(
                    "logit_bias has the key \(entry.key.summary), which must be a token id",
                    param: "logit_bias"
                )
            }
            guard let bias = entry.value.finiteNumber else {
                throw object.mismatch(key.string, "a number", entry.value)
            }
            biases.append(SamplingParameters.LogitBias(token: token, bias: Float(bias)))
        }
        return biases
    }

    /// A whole number from -2^63 to 2^64 - 1 stands for its 64 bits; nil if it is absent or -1, which draws one.
    static func seed(_ fields: RequestFields) throws(APIError) -> UInt64? {
        guard let value = fields.value("seed") else { return nil }
        guard value.wholeNumber != -1 else { return nil }
        guard let seed = value.seed else {
            throw fields.mismatch("seed", "a whole number from \(Int64.min) to \(UInt64.max); -1 draws one", value)
        }
        return seed
    }
}

extension TemplateValue {
    /// The 64 bits that a whole number from -2^63 to 2^64 - 1 stands for as a seed; nil for another value.
    package var seed: UInt64? {
        if let number = wholeNumber { return UInt64(bitPattern: Int64(number)) }
        guard case .numeral(let digits) = self else { return nil }
        return UInt64(digits)
    }
}

extension SamplingError {
    /// The field that the error is about.
    var parameter: String {
        switch self {
        case .outOfRange(let name, _, _): name.hasSuffix("logit_bias") ? "logit_bias" : name
        case .duplicateLogitBias, .tooManyLogitBiases, .logitBiasOutOfVocabulary: "logit_bias"
        }
    }
}
