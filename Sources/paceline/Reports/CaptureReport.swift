import PacelineSpeculation

/// What `capture` prints.
struct CaptureReport: Encodable {
    var model: String
    var file: String
    var taps: String
    var sequences: Int
    var tokens: Int
    var answerTokens: Int
    var bytes: Int
    var newSequences: Int
    var newAnswerTokens: Int
    var leftOut: Int
    var seconds: Double
    var answerTokensPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case model, file, taps, sequences, tokens, bytes, seconds
        case answerTokens = "answer_tokens"
        case newSequences = "new_sequences"
        case newAnswerTokens = "new_answer_tokens"
        case leftOut = "left_out_prompts"
        case answerTokensPerSecond = "answer_tokens_per_second"
    }

    init(_ figures: CaptureFigures, model: String, file: String, taps: String, seconds: Double) {
        (self.model, self.file, self.taps, self.seconds) = (model, file, taps, seconds)
        (sequences, tokens, answerTokens) = (figures.sequences, figures.tokens, figures.answerTokens)
        (bytes, newSequences, newAnswerTokens) = (figures.bytes, figures.newSequences, figures.newAnswerTokens)
        leftOut = figures.leftOut
        answerTokensPerSecond = seconds > 0 ? Double(figures.newAnswerTokens) / seconds : 0
    }

    /// The figures in a few sentences, for people.
    var text: String {
        var text = "\(newSequences) sequences with \(newAnswerTokens) tokens of answers "
        text += "in \(seconds.formatted(decimals: 1)) s (\(answerTokensPerSecond.formatted(decimals: 1)) tokens/s)"
        if leftOut > 0 { text += ", \(leftOut) prompts left out, because they are empty or too long" }
        text += "\n\(file) has \(sequences) sequences with \(answerTokens) tokens of answers, \(tokens) with prompts, "
        return text + "in \((Double(bytes) / 1e6).formatted(decimals: 1)) MB\n"
    }
}
