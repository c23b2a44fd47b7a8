package import PacelineChat

/// What a chat template can do, found out by rendering small conversations and looking for their words.
///
/// Templates do not declare it, and differ: some refuse system messages, some read only contents in parts.
package struct ChatTemplateTraits: Sendable, Equatable {
    /// Whether a system message has a place; otherwise its text goes into the first message of the user.
    package private(set) var takesSystem = true
    /// Whether system messages may be several and anywhere; otherwise they become one, in front.
    package private(set) var takesSeveralSystems = true
    /// Whether contents must come as a list of typed parts.
    package private(set) var needsParts = false
    /// Whether tools are shown to the model.
    package private(set) var takesTools = true
    /// Whether tool calls of earlier messages are shown to the model.
    package private(set) var takesToolCalls = true
    /// Whether the arguments of tool calls are wanted as JSON text instead of as objects.
    package private(set) var wantsArgumentText = false
    /// Whether a message without content may have `none`; otherwise it gets an empty string.
    package private(set) var takesNoContent = true
    /// How calls of earlier messages are written, and so how the model writes its own; nil if that is not known.
    package private(set) var toolCallFormat: ToolCallFormat?

    /// - Parameter render: renders a conversation in the way that the traits given to it describe; nil if it fails.
    init(_ render: (ChatConversation, ChatTemplateTraits) -> String?) {
        let user = ChatMessage(.user, "probe-user"), answer = ChatMessage(.assistant, "probe-answer")
        let system = ChatMessage(.system, "probe-system"), other = ChatMessage(.system, "probe-other")
        func shows(_ messages: [ChatMessage], _ words: String..., traits: ChatTemplateTraits) -> Bool {
            guard let text = render(ChatConversation(messages), traits) else { return false }
            return words.allSatisfy { text.contains($0) }
        }
        if !shows([user], "probe-user", traits: self) {
            var typed = self
            typed.needsParts = true
            needsParts = shows([user], "probe-user", traits: typed)
        }
        takesSystem = shows([system, user], "probe-system", "probe-user", traits: self)
        takesSeveralSystems =
            shows([system, other, user], "probe-system", "probe-other", "probe-user", traits: self)
            && shows([system, user, answer, other, user], "probe-system", "probe-other", traits: self)
        probeTools(render, user)
    }

    private mutating func probeTools(_ render: (ChatConversation, ChatTemplateTraits) -> String?, _ user: ChatMessage) {
        var asking = ChatConversation([user])
        asking.tools = Self.tools
        takesTools = render(asking, self)?.contains("probe_tool") ?? false
        var calling = ChatMessage(.assistant, parts: nil)
        calling.toolCalls = [Self.call]
        var result = ChatMessage(.tool, "probe-result")
        (result.toolCallID, result.toolName) = (Self.call.id, Self.call.name)
        var called = ChatConversation([user, calling, result])
        called.tools = asking.tools
        // The first way in which the call is shown as it should be wins.
        for (hasText, hasNone) in [(false, true), (false, false), (true, true), (true, false)] {
            var traits = self
            (traits.wantsArgumentText, traits.takesNoContent) = (hasText, hasNone)
            guard let text = render(called, traits), text.contains("probe_call"), !text.contains("None"),
                !text.contains("'probe-key'"), !text.contains(#"\"probe-key"#)
            else { continue }
            self = traits
            toolCallFormat = ToolCallFormat(writtenIn: text)
            return
        }
        (takesToolCalls, takesNoContent) = (false, false)
    }

    private static var call: ChatToolCall {
        var arguments = TemplateMapping()
        arguments.set("probe-key", .text(ChatText("probe-value")))
        return ChatToolCall(
            id: "probe1234",
            name: "probe_call",
            arguments: .mapping(arguments),
            argumentText: #"{"probe-key": "probe-value"}"#
        )
    }

    private static var tools: TemplateValue {
        var parameters = TemplateMapping(), function = TemplateMapping(), tool = TemplateMapping()
        parameters.set("type", .text(ChatText("object")))
        parameters.set("properties", .mapping(TemplateMapping()))
        function.set("name", .text(ChatText("probe_tool")))
        function.set("description", .text(ChatText("probe-description")))
        function.set("parameters", .mapping(parameters))
        tool.set("type", .text(ChatText("function")))
        tool.set("function", .mapping(function))
        return .list([.mapping(tool)])
    }
}

extension ChatTemplateTraits {
    /// The messages with their system messages where the template has a place for them.
    func arranged(_ messages: [ChatMessage]) -> [ChatMessage] {
        let systems = messages.filter { $0.role == .system }
        guard !systems.isEmpty else { return messages }
        let isInFront = systems.count == 1 && messages[0].role == .system
        if takesSystem, takesSeveralSystems || isInFront { return messages }
        let text = systems.map(\.content).joined(separator: "\n\n")
        var rest = messages.filter { $0.role != .system }
        if takesSystem { return [ChatMessage(.system, text)] + rest }
        guard let first = rest.firstIndex(where: { $0.role == .user }) else { return [ChatMessage(.user, text)] + rest }
        rest[first].parts = ["\(text)\n\n\(rest[first].content)"]
        return rest
    }
}
