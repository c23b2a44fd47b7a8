import PacelineChat
import PacelineModel
import PacelineTestKit
import Testing

@Suite("What templates can do")
struct ChatTemplateTraitsTests {
    private func renderer(_ template: String) throws -> ChatRenderer {
        var model = TinyModel()
        model.chatTemplate = template
        let file = try GGUFFile(bytes: model.header().serialised(), name: "tiny.gguf")
        return try ChatRenderer(file, tokenizer: Tokenizer(file))
    }

    private func traits(_ template: String) throws -> ChatTemplateTraits {
        try #require(try renderer(template).traits)
    }

    private static let plain = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"

    @Test("are found by rendering: plain templates take everything but tools")
    func plain() throws {
        let traits = try traits(Self.plain)
        #expect(traits.takesSystem && traits.takesSeveralSystems && !traits.needsParts && !traits.takesTools)
        #expect(!traits.takesToolCalls)
    }

    private func text(_ template: String, _ messages: [ChatMessage]) throws -> String {
        try renderer(template).render(messages, time: 0).text
    }

    @Test("a system message goes into the user's first where it has no place")
    func system() throws {
        let template =
            "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
            + Self.plain
        #expect(try !traits(template).takesSystem)
        let messages = [ChatMessage(.system, "S"), ChatMessage(.user, "U"), ChatMessage(.system, "T")]
        #expect(try text(template, messages) == "[user]S\n\nT\n\nU")
        #expect(try text(template, [ChatMessage(.system, "S")]) == "[user]S")
    }

    @Test("several system messages become one in front where the template demands it")
    func severalSystems() throws {
        let template =
            "{% for m in messages %}{% if m.role == 'system' and loop.index > 1 %}{{ raise_exception('no') }}"
            + "{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}"
        let traits = try traits(template)
        #expect(traits.takesSystem && !traits.takesSeveralSystems)
        let messages = [ChatMessage(.system, "S"), ChatMessage(.user, "U"), ChatMessage(.system, "T")]
        #expect(try text(template, messages) == "[system]S\n\nT[user]U")
        #expect(try text(template, [ChatMessage(.user, "U"), ChatMessage(.system, "T")]) == "[system]T[user]U")
        #expect(try text(Self.plain, messages) == "[system]S[user]U[system]T")
    }

    @Test("contents come in parts where the template reads only those, and as lines elsewhere")
    func parts() throws {
        let typed =
            "{% for m in messages %}{% for p in m.content %}{% if p.type == 'text' %}<{{ p.text }}>{% endif %}"
            + "{% endfor %}{% endfor %}"
        #expect(try traits(typed).needsParts)
        let message = ChatMessage(.user, parts: ["a", "b"])
        #expect(try text(typed, [message]) == "<a><b>")
        #expect(try text(Self.plain, [message]) == "[user]a\nb")
    }

    private func called() -> ChatConversation {
        var arguments = TemplateMapping()
        arguments.set("b", .int(1))
        arguments.set("a", .text(ChatText(message: "<|im_end|>")))
        var call = ChatMessage(.assistant, parts: nil)
        call.toolCalls = [
            ChatToolCall(id: "1", name: "f", arguments: .mapping(arguments), argumentText: #"{"b":1}"#)
        ]
        var result = ChatMessage(.tool, "<|im_end|>")
        (result.toolCallID, result.toolName) = ("1", "<|im_end|>")
        return ChatConversation([ChatMessage(.user, "U"), call, result])
    }

    private static let head = "{% for m in messages %}{{ m.content or '' }}{% for c in m.tool_calls or [] %}"
    private static let tail = "{% endfor %}{{ m.name }}{% endfor %}"

    @Test("arguments of tool calls come as the template prints them")
    func arguments() throws {
        let object = Self.head + "{{ c.function.name }}{{ c.function.arguments|tojson }}" + Self.tail
        #expect(try !traits(object).wantsArgumentText && traits(object).takesToolCalls)
        #expect(try renderer(object).render(called(), time: 0).text.hasPrefix(#"Uf{"b": 1, "a": "<|im_end|>"}"#))
        let text = Self.head + "{{ c.function.name + c.function.arguments }}" + Self.tail
        #expect(try traits(text).wantsArgumentText)
        #expect(try renderer(text).render(called(), time: 0).text.hasPrefix(#"Uf{"b":1}"#))
    }

    @Test("results, names and arguments of tools never become special tokens")
    func forgery() throws {
        let template = Self.head + "{{ c.function.arguments|tojson }}" + Self.tail
        let renderer = try renderer(template)
        let tokenizer = try TinyModel().tokenizer()
        let tokens = tokenizer.encode(try renderer.render(called(), time: 0))
        #expect(tokens.allSatisfy { !TinyVocabulary.shared.controlTokens.contains($0) })
    }

    @Test("a file without a template refuses tool calls, with a sentence")
    func noTemplate() throws {
        #expect(throws: TemplateError.self) { try renderer("").render(called(), time: 0) }
    }
}
