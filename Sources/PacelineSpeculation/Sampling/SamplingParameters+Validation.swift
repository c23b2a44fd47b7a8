extension SamplingParameters {
    /// The most tokens that may have a bias.
    package static let logitBiasLimit = 1024

    /// Checks all ranges and returns these parameters with the biases sorted by token.
    ///
    /// - Parameter vocabularySize: biased tokens must be below it; nil if it is unknown.
    /// - Throws: ``SamplingError`` naming the first parameter that is out of range.
    package func validated(vocabularySize: Int? = nil) throws(SamplingError) -> SamplingParameters {
        try check("temperature", temperature, "0 (greedy) or from 0.001 to 100") {
            $0 == 0 || (0.001...100).contains($0)
        }
        try check("top_k", topK, "0 (off) or a positive whole number") { (0...Int(Int32.max)).contains($0) }
        try check("top_p", topP, "above 0 and at most 1") { $0 > 0 && $0 <= 1 }
        try check("min_p", minP, "from 0 to 1") { (0...1).contains($0) }
        try check("repetition_penalty", repetitionPenalty, "from 0.01 to 100") { (0.01...100).contains($0) }
        try check("frequency_penalty", frequencyPenalty, "from -2 to 2") { (-2...2).contains($0) }
        try check("presence_penalty", presencePenalty, "from -2 to 2") { (-2...2).contains($0) }
        try check("repeat_last_n", repeatLastN, "-1 (the whole sequence), 0 (off) or a positive whole number") {
            (-1...Int(Int32.max)).contains($0)
        }
        var valid = self
        valid.logitBias = try validatedLogitBias(vocabularySize: vocabularySize)
        return valid
    }

    private func validatedLogitBias(vocabularySize: Int?) throws(SamplingError) -> [LogitBias] {
        guard logitBias.count <= Self.logitBiasLimit else {
            throw .tooManyLogitBiases(count: logitBias.count, limit: Self.logitBiasLimit)
        }
        let sorted = logitBias.sorted { $0.token < $1.token }
        for (index, entry) in sorted.enumerated() {
            try check("a logit_bias", entry.bias, "from -100 to 100") { (-100...100).contains($0) }
            if let vocabularySize, Int(entry.token) >= vocabularySize {
                throw .logitBiasOutOfVocabulary(token: entry.token, vocabularySize: vocabularySize)
            }
            if index > 0, sorted[index - 1].token == entry.token {
                throw .duplicateLogitBias(token: entry.token)
            }
        }
        return sorted
    }

    /// NaN fails every comparison, so `isAllowed` refuses it without a special case.
    private func check<Value>(
        _ name: String,
        _ value: Value,
        _ allowed: String,
        isAllowed: (Value) -> Bool
    ) throws(SamplingError) {
        guard isAllowed(value) else {
            throw .outOfRange(name: name, value: "\(value)", allowed: allowed)
        }
    }
}
