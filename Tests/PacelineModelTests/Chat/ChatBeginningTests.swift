import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@Suite("The beginning of chats")
struct ChatBeginningTests {
    /// Templates, and how often each one's conversations have the beginning-of-sequence token, which is <s>.
    private static let templates: [(template: String, count: Int)] = [
        ("{{bos_token}}{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content']}}{% endfor %}", 1),
        ("{{- bos_token -}}{% for m in messages %}{{'<|im_start|>' + m['role']}}{% endfor %}", 1),
        ("{% for m in messages %}{{'<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>'}}{% endfor %}", 0),
        ("{% for m in messages %}{{ (bos_token if loop.first else '') + m.content }}{% endfor %}", 1),
        ("<s>{% for m in messages %}{{ '[INST] ' + m.content + ' [/INST]' }}{% endfor %}", 1),
        ("{# head #}{%- set x = 1 %}\n{{ '<s>[INST] ' + messages[0].content }}", 1),
        ("{# bos_token #}{{ '<|im_start|>' }}", 0),
        ("{% if bos_token is defined %}{{ '<|im_start|>' }}{% endif %}", 0),
        ("{{ bos_token }}{{ messages|map(attribute='content')|join(bos_token|replace('s', '')) }}", 1),
    ]

    private func model(_ template: String?, addsBOS: Bool?, type: Int32, kind: String) throws -> GGUFFile {
        var writer = GGUFWriter()
        let bytes = (0..<128).map { String(Unicode.Scalar(UInt8($0))) }.filter { $0 > " " } + ["▁", "Ġ", "Ċ"]
        writer.add("tokenizer.ggml.model", .string(kind))
        writer.add("tokenizer.ggml.pre", .string("gpt-2"))
        writer.add("tokenizer.ggml.tokens", .strings(["<unk>", "<s>"] + bytes))
        writer.add("tokenizer.ggml.token_type", .int32s([2, type] + bytes.map { _ in 1 }))
        writer.add("tokenizer.ggml.merges", .strings([]))
        writer.add("tokenizer.ggml.scores", .float32s(Array(repeating: 0, count: bytes.count + 2)))
        writer.add("tokenizer.ggml.bos_token_id", .uint32(1))
        if let addsBOS { writer.add("tokenizer.ggml.add_bos_token", .bool(addsBOS)) }
        if let template { writer.add("tokenizer.chat_template", .string(template)) }
        return try GGUFFile(bytes: writer.serialised(), name: "chat.gguf")
    }

    private func check(_ template: String?, addsBOS: Bool?, type: Int32, kind: String, count: Int) throws {
        let file = try model(template, addsBOS: addsBOS, type: type, kind: kind)
        let tokenizer = try Tokenizer(file)
        let renderer = try ChatRenderer(file, tokenizer: tokenizer)
        let messages = [ChatMessage(.user, "<s>ab"), ChatMessage(.assistant, "c"), ChatMessage(.user, "d<s>")]
        let tokens = tokenizer.encode(try renderer.render(messages, time: 0))
        let comment: Comment = "\(template ?? "none") \(String(describing: addsBOS)) \(type) \(kind)"
        #expect(tokens.filter { $0 == 1 }.count == count, comment)
        #expect((tokens.first == 1) == (count == 1), comment)
    }

    @Test("the token occurs once if the template writes it, and otherwise never", arguments: ["gpt2", "llama"])
    func once(kind: String) throws {
        for addsBOS in [true, false, nil] {
            for type: Int32 in [1, 3, 4, 5] {
                for (template, count) in Self.templates {
                    try check(template, addsBOS: addsBOS, type: type, kind: kind, count: count)
                }
                // Without a template, a conversation is encoded like any other text.
                let prefersBOS = addsBOS ?? (kind == "llama")
                try check(nil, addsBOS: addsBOS, type: type, kind: kind, count: prefersBOS ? 1 : 0)
            }
        }
    }

    @Test("text that begins with the token's name has it once, with or without addBOS", arguments: ["gpt2", "llama"])
    func raw(kind: String) throws {
        let tokenizer = try Tokenizer(model(nil, addsBOS: true, type: 3, kind: kind))
        for addBOS in [true, false] {
            #expect(tokenizer.encode("<s>ab", addBOS: addBOS).filter { $0 == 1 }.count == 1)
            #expect(tokenizer.encode("ab", addBOS: addBOS).filter { $0 == 1 }.count == (addBOS ? 1 : 0))
        }
        #expect(tokenizer.encode("<s>ab", addBOS: true, parseSpecial: false).filter { $0 == 1 }.count == 1)
    }
}
