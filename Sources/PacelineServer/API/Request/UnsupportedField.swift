import PacelineChat

/// A field that OpenAI, vLLM or llama.cpp define and Paceline does not have.
///
/// It is read only to refuse it: a request for something must not be answered as if it had not been made.
struct UnsupportedField: Sendable {
    /// A value that asks for nothing; null always does.
    private enum Neutral: Sendable {
        case number(Double)
        case bool(Bool)
        case text(String)
        /// An empty string, array or object.
        case empty
        /// An object whose `type` is this.
        case type(String)
        /// An array of nothing but this.
        case only(String)

        func matches(_ value: TemplateValue) -> Bool {
            switch (self, value) {
            case (.number(let number), _): value.finiteNumber == number
            case (.bool(let bool), .bool(let other)): bool == other
            case (.text(let text), .text(let other)): text == other.string
            case (.empty, .text(let text)): text.isEmpty
            case (.empty, .list(let items)): items.values.isEmpty
            case (.empty, .mapping(let mapping)): mapping.count == 0
            case (.type(let type), .mapping(let mapping)): mapping["type"] == .text(ChatText(type))
            case (.only(let text), .list(let items)): items.values.allSatisfy { $0 == .text(ChatText(text)) }
            default: false
            }
        }
    }

    private let name: String
    private let neutral: [Neutral]
    /// What to do instead.
    private let advice: String

    private init(_ name: String, _ neutral: Neutral..., advice: String = "leave it out") {
        self.name = name
        self.neutral = neutral
        self.advice = advice
    }

    /// - Throws: ``APIError`` (400) for the first of the fields that asks for something.
    static func refuse(_ unsupported: [UnsupportedField], in fields: RequestFields) throws(APIError) {
        for field in unsupported {
            guard let value = fields.value(field.name), !field.neutral.contains(where: { $0.matches(value) }) else {
                continue
            }
            throw fields.unsupported(field.name, value, field.advice)
        }
    }

    static let chat: [UnsupportedField] =
        [
            UnsupportedField("functions", .empty, advice: "use tools"),
            UnsupportedField("function_call", .text("none"), .text("auto"), advice: "use tools and tool_choice"),
            UnsupportedField("web_search_options"),
            UnsupportedField("modalities", .only("text"), advice: "this model writes text only"),
            UnsupportedField("audio", advice: "this model writes text only"),
            UnsupportedField(
                "chat_template",
                .empty,
                advice: "the server's template is used, which verifier --chat-template sets"
            ),
            UnsupportedField("documents", .empty, advice: "put them into messages"),
            UnsupportedField("echo", .bool(false), advice: "/v1/completions has it"),
        ] + both

    static let completion: [UnsupportedField] =
        [
            UnsupportedField("prompt_embeds"),
            UnsupportedField("truncate_prompt_tokens", advice: "shorten the prompt yourself"),
            UnsupportedField("top_logprobs", .number(0), advice: "completions have logprobs alone"),
        ] + both

    /// Fields of vLLM's `structured_outputs`.
    static let structuredOutputs: [UnsupportedField] = [
        UnsupportedField("structural_tag"),
        UnsupportedField("whitespace_pattern", advice: "white space is bounded here"),
        UnsupportedField("disable_any_whitespace", .bool(false), advice: "white space is bounded here"),
        UnsupportedField("disable_additional_properties", .bool(false), advice: "set additionalProperties"),
    ]

    private static let both = constraints + output + sampling

    private static let constraints = [
        UnsupportedField("guided_json", advice: "use structured_outputs"),
        UnsupportedField("guided_regex", advice: "use structured_outputs"),
        UnsupportedField("guided_choice", advice: "use structured_outputs"),
        UnsupportedField("guided_grammar", advice: "use structured_outputs"),
        UnsupportedField("allowed_token_ids", advice: "use logit_bias"),
        UnsupportedField("bad_words", .empty, advice: "use logit_bias"),
        UnsupportedField("logits_processors", .empty),
        UnsupportedField("lora", .empty),
    ]

    private static let output = [
        UnsupportedField("best_of", .number(1), advice: "use n"),
        UnsupportedField("use_beam_search", .bool(false)),
        UnsupportedField("prompt_logprobs", advice: "/v1/completions with echo and logprobs has them"),
        UnsupportedField("n_probs", .number(0), advice: "use logprobs"),
        UnsupportedField("n_indent", .number(0)),
        UnsupportedField("t_max_predict_ms", .number(0)),
        UnsupportedField("include_stop_str_in_output", .bool(false)),
        UnsupportedField("skip_special_tokens", .bool(true)),
    ]

    private static let sampling = [
        UnsupportedField("length_penalty", .number(1)),
        UnsupportedField("min_keep", .number(0)),
        UnsupportedField("typical_p", .number(1)),
        UnsupportedField("top_n_sigma", .number(-1)),
        UnsupportedField("tfs_z", .number(1)),
        UnsupportedField("mirostat", .number(0)),
        UnsupportedField("dynatemp_range", .number(0)),
        UnsupportedField("dry_multiplier", .number(0)),
        UnsupportedField("xtc_probability", .number(0)),
        UnsupportedField("samplers"),
    ]
}
