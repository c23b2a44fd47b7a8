/// Fields that OpenAI, vLLM or llama.cpp define but Paceline does not support. They are read only to refuse them: a
/// request for something must not be answered as if it had not been made.
package struct UnsupportedOptions: Decodable, Sendable {
    private struct Option: Sendable {
        let name: String
        /// Values besides null that request nothing.
        let neutral: [JSONValue]
        /// What to do instead.
        let advice: String

        init(_ name: String, _ neutral: JSONValue..., advice: String = "leave it out") {
            self.name = name
            self.neutral = neutral
            self.advice = advice
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) { nil }
    }

    /// The first field that requests something.
    private let found: (option: Option, value: JSONValue)?

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for option in Self.all {
            guard let value = try container.decodeIfPresent(JSONValue.self, forKey: Key(stringValue: option.name)),
                !option.neutral.contains(value)
            else { continue }
            found = (option, value)
            return
        }
        found = nil
    }

    /// Throws if a field requests something.
    package func refuse() throws(APIError) {
        guard let (option, value) = found else { return }
        throw .invalidRequest("\(option.name) is \(value), which is not supported; \(option.advice)")
    }

    private static let all = completions + constraints + output + sampling

    private static let completions = [
        Option("n", 1, advice: "send one request per text, each with its own seed"),
        Option("best_of", 1),
        Option("use_beam_search", false),
        Option("echo", false, advice: "put the prompt before the text yourself"),
        Option("suffix", "", advice: "put the model's own fill-in-the-middle tokens into the prompt"),
        Option("prompt_embeds"),
        Option("truncate_prompt_tokens", advice: "shorten the prompt yourself"),
        Option("add_special_tokens", true, advice: "send the prompt as token ids"),
        Option("lora", []),
    ]

    private static let constraints = [
        Option("response_format", ["type": "text"]),
        Option("json_schema"),
        Option("grammar", ""),
        Option("structured_outputs"),
        Option("guided_json"),
        Option("guided_regex"),
        Option("guided_choice"),
        Option("guided_grammar"),
        Option("allowed_token_ids", advice: "use logit_bias"),
        Option("logits_processors", []),
        Option("tools", []),
    ]

    private static let output = [
        Option("logprobs", false, advice: "`paceline score` gives log-probabilities for any text"),
        Option("top_logprobs", 0, advice: "`paceline score` gives log-probabilities for any text"),
        Option("prompt_logprobs", advice: "`paceline score` gives log-probabilities for any text"),
        Option("n_probs", 0, advice: "`paceline score` gives log-probabilities for any text"),
        Option("max_completion_tokens", advice: "use max_tokens"),
        Option("n_predict", advice: "use max_tokens"),
        Option("min_tokens", 0, advice: "use ignore_eos"),
        Option("n_indent", 0),
        Option("t_max_predict_ms", 0),
        Option("stop_token_ids", [], advice: "use stop"),
        Option("include_stop_str_in_output", false),
        Option("skip_special_tokens", true),
    ]

    private static let sampling = [
        Option("repeat_penalty", 1, advice: "use repetition_penalty"),
        Option("length_penalty", 1),
        Option("min_keep", 0),
        Option("typical_p", 1),
        Option("top_n_sigma", -1),
        Option("tfs_z", 1),
        Option("mirostat", 0),
        Option("dynatemp_range", 0),
        Option("dry_multiplier", 0),
        Option("xtc_probability", 0),
        Option("samplers"),
    ]
}
