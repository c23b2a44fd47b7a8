/// How a family of models writes calls of tools in its text.
package enum ToolCallFormat: String, Sendable, CaseIterable {
    /// `<tool_call>{"name": …, "arguments": {…}}</tool_call>`: Hermes, Qwen2.5, Qwen3, Granite 4, SmolLM3.
    case hermes
    /// `<tool_call><function=NAME><parameter=KEY>VALUE</parameter></function></tool_call>`, whose values are plain
    /// text: Qwen3-Coder, Qwen3.5.
    case qwenCoder
    /// `{"name": …, "parameters": {…}}` instead of an answer, perhaps behind `<|python_tag|>`: Llama 3.
    case llama
    /// `[TOOL_CALLS][{"name": …, "arguments": {…}}]`, or `[TOOL_CALLS]NAME[ARGS]{…}`: Mistral.
    case mistral

    /// The format of a model whose template writes `text`: a conversation with a call, or the template itself.
    ///
    /// - Returns: nil if it is none of these.
    package init?(writtenIn text: String) {
        if text.contains("<function=") {
            self = .qwenCoder
        } else if text.contains("[TOOL_CALLS]") {
            self = .mistral
        } else if text.contains("<tool_call>") {
            self = .hermes
        } else if text.contains("<|python_tag|>") || text.contains(#""parameters": "#) && text.contains("header_id|>") {
            self = .llama
        } else {
            return nil
        }
    }

    /// Texts of tokens that the format is made of. Where they are special tokens, they must show as text.
    package var markers: [String] {
        switch self {
        case .hermes, .qwenCoder: ["<tool_call>", "</tool_call>"]
        case .llama: ["<|python_tag|>"]
        case .mistral: ["[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"]
        }
    }

    /// What begins a call. In none of these does the first character come again.
    package var openers: [String] {
        switch self {
        case .hermes: ["<tool_call>"]
        case .qwenCoder: ["<tool_call>", "<function="]
        case .llama: ["<|python_tag|>"]
        case .mistral: ["[TOOL_CALLS]"]
        }
    }
}
