package import PacelineChat

/// One message of a conversation.
package struct ChatMessage: Equatable {
    package enum Role: String, Sendable {
        case system, user, assistant, tool
    }

    package var role: Role
    /// The text, in the parts in which it came; nil where there is none, beside tool calls.
    package var parts: [String]?
    /// What the assistant thought before it answered.
    package var reasoning: String?
    /// What the assistant called.
    package var toolCalls: [ChatToolCall] = []
    /// In a message of a tool: which call it answers, and the tool's name.
    package var toolCallID: String?
    package var toolName: String?

    package init(_ role: Role, _ content: String) {
        self.init(role, parts: [content])
    }

    package init(_ role: Role, parts: [String]?) {
        self.role = role
        self.parts = parts
    }

    /// The text as one string: parts stand on lines of their own.
    package var content: String { parts?.joined(separator: "\n") ?? "" }
}

/// A call of a tool that an assistant's message made.
package struct ChatToolCall: Equatable {
    package var id: String?
    package var name: String
    /// The arguments as an object, and as the JSON text that they came in: templates differ in what they print.
    package var arguments: TemplateValue
    package var argumentText: String

    package init(id: String?, name: String, arguments: TemplateValue, argumentText: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.argumentText = argumentText
    }
}

/// A conversation and what else its template gets.
package struct ChatConversation {
    /// How a rendered conversation ends.
    package enum Ending: Sendable {
        /// With the beginning of the assistant's next message.
        case answer
        /// With the end of the last message.
        case complete
        /// Inside the last message, which is the assistant's and goes on.
        case continuation
    }

    package var messages: [ChatMessage]
    /// The tools that the model may call, as the client described them: a list, or nil for none.
    package var tools: TemplateValue?
    /// More names for the template, such as `enable_thinking`.
    package var variables = TemplateMapping()
    package var ending = Ending.answer

    package init(_ messages: [ChatMessage]) {
        self.messages = messages
    }
}
