import PacelineChat
import PacelineModel
import PacelineSpeculation

/// Answers `/tokenize` and `/detokenize`, in the forms of llama.cpp and of vLLM: the fields of a request tell which.
package struct TokenService: Sendable {
    private let model: ServedModel
    private var tokenizer: Tokenizer { model.tokenizer }

    package init(_ model: ServedModel) {
        self.model = model
    }

    /// `POST /tokenize`: `content` for llama.cpp's form, `prompt` or `messages` for vLLM's.
    package func tokenize(_ request: APIRequest) throws -> APIReply {
        let fields = try RequestFields(body: request.body)
        _ = try model.name(for: fields.string("model"))
        if let content = try fields.string("content") { return .whole(try llama(fields, content).bytes) }
        let tokens: [Token]
        if fields.has("messages") {
            tokens = model.tokens(of: try model.prompt(ChatConversation(fields)))
        } else if let prompt = try fields.string("prompt") {
            let addsSpecial = try fields.bool("add_special_tokens") ?? true
            tokens = tokenizer.encode(prompt, addBOS: addsSpecial && tokenizer.prefersBOS)
        } else {
            throw fields.missing("prompt", "a string; or send content (llama.cpp's name), or messages")
        }
        var answer: [(name: String, value: JSONValue)] = [
            ("count", .int(tokens.count)), ("max_model_len", .int(model.contextLength)), ("tokens", .tokens(tokens)),
        ]
        if try fields.bool("return_token_strs") ?? false {
            let names = TokenNames(tokenizer: tokenizer)
            answer.append(("token_strs", .array(tokens.map { .string(names.text(of: $0)) })))
        }
        return .whole(JSONValue.object(answer).bytes)
    }

    private func llama(_ fields: RequestFields, _ content: String) throws(APIError) -> JSONValue {
        let addsSpecial = try fields.bool("add_special") ?? false
        let parsesSpecial = try fields.bool("parse_special") ?? true
        let tokens = tokenizer.encode(
            content,
            addBOS: addsSpecial && tokenizer.prefersBOS,
            parseSpecial: parsesSpecial
        )
        guard try fields.bool("with_pieces") ?? false else { return ["tokens": .tokens(tokens)] }
        let names = TokenNames(tokenizer: tokenizer)
        let pieces = tokens.map { token -> JSONValue in
            let bytes = names.bytes(of: token)
            // A part of a character is a list of bytes.
            let piece = String(validating: bytes, as: UTF8.self).map { JSONValue.string($0) }
            return ["id": .int(Int(token)), "piece": piece ?? .array(bytes.map { .int(Int($0)) })]
        }
        return ["tokens": .array(pieces)]
    }

    /// `POST /detokenize`: the text under the names of both.
    package func detokenize(_ request: APIRequest) throws -> APIReply {
        let fields = try RequestFields(body: request.body)
        _ = try model.name(for: fields.string("model"))
        let count = tokenizer.tokenCount
        guard let tokens = try GenerationOptions.tokens(fields, "tokens", vocabularySize: count) else {
            throw fields.missing("tokens", "an array of token ids")
        }
        let text = String(decoding: try tokenizer.decode(tokens), as: UTF8.self)
        let answer: JSONValue = ["content": .string(text), "prompt": .string(text)]
        return .whole(answer.bytes)
    }
}
