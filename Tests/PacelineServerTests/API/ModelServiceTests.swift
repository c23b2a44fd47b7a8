import HTTPTypes
import PacelineServer
import PacelineTestKit
import Testing

@Suite("What the server says of its model")
struct ModelServiceTests {
    private func service(_ names: [String] = []) throws -> ModelService {
        let model = try TestModel.served(names: names)
        return ModelService(model, backend: TextBackend(model.tokenizer, ["x"]), build: "paceline test")
    }

    @Test("lists every name with the fields that clients read")
    func list() throws {
        let list = try JSONObject(whole: service(["a", "b"]).list())
        #expect(list["object"].string == "list" && list["data"].items.map { $0["id"].string } == ["a", "b"])
        let entry = list["data"][1]
        #expect(entry["object"].string == "model" && entry["created"].int == 1_700_000_000)
        #expect(entry["root"].string == "tiny" && entry["parent"].isNull && entry["owned_by"].string == "paceline")
        #expect(entry["max_model_len"].int == 2048 && entry["meta"]["n_vocab"].int ?? 0 > 256)
        #expect(try JSONObject(whole: service().list())["data"][0]["id"].string == "tiny")
    }

    @Test("gives one model by name, and none by another")
    func one() throws {
        #expect(try JSONObject(whole: service(["a", "b"]).model("b"))["id"].string == "b")
        let error = #expect(throws: APIError.self) { try service(["a"]).model("tiny") }
        #expect(error?.status.code == 404 && error?.code == "model_not_found")
    }

    @Test("gives the properties and slots that llama.cpp's users look for")
    func properties() async throws {
        let properties = try JSONObject(whole: service().properties())
        #expect(properties["default_generation_settings"]["n_ctx"].int == 2048)
        #expect(properties["total_slots"].int == 4 && properties["chat_template"].string == TinyModel.chatML)
        #expect(properties["eos_token"].string == "<|im_end|>" && properties["build_info"].string == "paceline test")
        let slots = try JSONObject(whole: await service().slots(needsFree: true)).items
        #expect(slots.count == 4 && slots.map { $0["id"].int } == [0, 1, 2, 3])
    }

    @Test("has a fingerprint that changes with the weights and the numerics, and with nothing else")
    func fingerprint() throws {
        let one = try TestModel.served(), other = try TestModel.served(names: ["x"], contextLength: 64)
        #expect(one.fingerprint == other.fingerprint && one.fingerprint.hasPrefix("fp_"))
        #expect(try TestModel.served(template: "{{ messages }}").fingerprint != one.fingerprint)
    }
}

@Suite("Tokens of texts")
struct TokenServiceTests {
    private func call(_ endpoint: APICalls.Endpoint, _ body: String) async throws -> JSONObject {
        let model = try TestModel.served()
        return try await APICalls(model: model, backend: TextBackend(model.tokenizer, [])).whole(endpoint, body)
    }

    @Test("come in llama.cpp's form for its fields")
    func llama() async throws {
        let tokens = try await call(.tokenize, #"{"content": " the é"}"#)["tokens"].ints
        let pieces = try await call(.tokenize, #"{"content": " the é", "with_pieces": true}"#)["tokens"].items
        #expect(pieces.map { $0["id"].int } == tokens)
        #expect(pieces[0]["piece"].string == " the" && pieces.suffix(2).flatMap { $0["piece"].ints } == [0xC3, 0xA9])
        let special = try await call(.tokenize, #"{"content": "<|im_end|>"}"#)["tokens"].ints
        #expect(special == [Int(TinyVocabulary.shared.controlTokens[2])])
        let plain = try await call(.tokenize, #"{"content": "<|im_end|>", "parse_special": false}"#)["tokens"].ints
        #expect(plain.count > 1)
        #expect(try await call(.detokenize, "{\"tokens\": \(tokens)}")["content"].string == " the é")
    }

    @Test("come in vLLM's form for its fields, conversations included")
    func vllm() async throws {
        let answer = try await call(.tokenize, #"{"prompt": " the", "return_token_strs": true}"#)
        #expect(answer["count"].int == 1 && answer["max_model_len"].int == 2048)
        #expect(answer["tokens"].ints.count == 1 && answer["token_strs"][0].string == " the")
        let messages = #"{"messages": [{"role": "user", "content": "Hi"}]}"#
        let chat = try await call(.tokenize, messages)
        #expect(try await call(.inputTokens, messages)["input_tokens"].int == chat["count"].int)
        let text = try await call(.detokenize, "{\"tokens\": \(chat["tokens"].ints)}")["prompt"].string
        #expect(try await call(.applyTemplate, messages)["prompt"].string == text)
    }
}
