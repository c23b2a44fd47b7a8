import PacelineChat
import PacelineModel

/// The body of `POST /v1/chat/completions`: OpenAI's fields, and others with vLLM's and llama.cpp's names.
struct ChatBody {
    /// nil for the model that is served.
    var model: String?
    var conversation: ChatConversation
    var options: GenerationOptions
    /// How many of the most probable tokens to list beside each one; nil for no log-probabilities.
    var logProbabilities: Int?
    /// Whether thoughts are separated from the answer.
    var splitsReasoning: Bool
    /// Which calls of tools the answer may have.
    var tools: ToolOptions

    init(_ fields: RequestFields, vocabularySize: Int) throws(APIError) {
        model = try fields.string("model")
        conversation = try ChatConversation(fields)
        options = try GenerationOptions(fields, vocabularySize: vocabularySize)
        logProbabilities = try Self.logProbabilities(fields)
        tools = try ToolOptions(fields, tools: conversation.tools)
        splitsReasoning = try fields.string("reasoning_format") != "none"
        try UnsupportedField.refuse(UnsupportedField.chat, in: fields)
        try options.requireRoom()
    }

    private static func logProbabilities(_ fields: RequestFields) throws(APIError) -> Int? {
        let top = try fields.integer("top_logprobs", in: 0...20)
        if try fields.bool("logprobs") == true { return top ?? 0 }
        if let top, top > 0 {
            throw .invalidRequest("top_logprobs needs logprobs to be true", param: "top_logprobs")
        }
        return nil
    }
}

extension ChatConversation {
    /// The conversation of a request for chat, or of one that only wants it rendered.
    init(_ fields: RequestFields) throws(APIError) {
        self.init(try ChatMessage.messages(fields))
        tools = try ToolOptions.tools(fields)
        variables = try Self.variables(fields)
        ending = try Self.ending(fields, last: messages.last?.role)
    }

    /// `chat_template_kwargs`, and the fields of OpenAI that templates know by the same name.
    private static func variables(_ fields: RequestFields) throws(APIError) -> TemplateMapping {
        var variables = TemplateMapping()
        if let effort = try fields.string("reasoning_effort") {
            variables.set("reasoning_effort", .text(ChatText(message: effort)))
        }
        guard let arguments = try fields.object("chat_template_kwargs") else { return variables }
        let reserved = ["messages", "tools", "documents", "bos_token", "eos_token", "add_generation_prompt"]
        for entry in arguments.ordered.entries {
            guard case .text(let name) = entry.key else { continue }
            guard !reserved.contains(name.string) else {
                throw arguments.unsupported(name.string, entry.value, "the request's other fields set it")
            }
            variables.set(name.string, entry.value)
        }
        return variables
    }

    /// A last message of the assistant is continued, unless the request says otherwise.
    private static func ending(_ fields: RequestFields, last: ChatMessage.Role?) throws(APIError) -> Ending {
        let continues = try fields.bool("continue_final_message")
        let opens = try fields.bool("add_generation_prompt")
        if continues == true {
            guard opens != true else {
                throw .invalidRequest(
                    "continue_final_message and add_generation_prompt exclude each other; leave one out",
                    param: "continue_final_message"
                )
            }
            guard last == .assistant else {
                throw .invalidRequest(
                    "continue_final_message needs a last message of the assistant",
                    param: "continue_final_message"
                )
            }
            return .continuation
        }
        if opens == false { return .complete }
        return last == .assistant && continues == nil && opens == nil ? .continuation : .answer
    }
}
