import PacelineServer

/// Bodies of `/v1/completions`, `/tokenize` and `/detokenize`; the first byte chooses.
struct CompletionTarget: FuzzTarget {
    private let bodies: ServedBodies

    init() throws { self.init(try ServedBodies()) }

    init(_ bodies: ServedBodies) { self.bodies = bodies }

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        guard let head = input.first else { return false }
        let (body, generations) = (input.dropFirst(), bodies.generations)
        switch head % 4 {
        case 0: return try bodies.accepts(body) { try TokenService(generations.model).tokenize($0) }
        case 1: return try bodies.accepts(body) { try TokenService(generations.model).detokenize($0) }
        default: return try bodies.accepts(body) { try await CompletionService(generations).respond(to: $0) }
        }
    }

    func seeds() throws -> [FuzzSeed] {
        let completions = [
            #"{"model":"tiny","prompt":"Once \u00e9\ud83d\ude00","max_tokens":4,"temperature":0.7,"seed":-3}"#,
            #"{"prompt":[[1,2,3],[4]],"n":2,"echo":true,"logprobs":3,"stop":["a","\n"],"logit_bias":{"3":-1.5}}"#,
            #"{"prompt":"x","resume":{"tokens":[1,2]},"seed":1,"speculative":{"n_max":0}}"#,
            #"{"prompt":"x","prediction":{"type":"content","content":"y"},"cache_salt":"z","stream":true}"#,
            #"{"prompt":[1,2],"top_k":4,"top_p":0.5,"min_p":0.1,"repetition_penalty":1.2,"min_tokens":1,"best_of":1}"#,
            #"{"prompt":["a","b"],"presence_penalty":1,"frequency_penalty":-1,"ignore_eos":true,"user":"u"}"#,
        ]
        let tokens = [
            #"{"content":"Hi <|im_end|>","with_pieces":true,"parse_special":false}"#,
            #"{"prompt":"Hi","return_token_strs":true}"#,
            #"{"messages":[{"role":"user","content":"Hi"}]}"#,
        ]
        return completions.enumerated().map { FuzzSeed("completion-\($0.offset)", [2] + Array($0.element.utf8)) }
            + tokens.enumerated().map { FuzzSeed("tokenize-\($0.offset)", [0] + Array($0.element.utf8)) }
            + [FuzzSeed("detokenize", [1] + Array(#"{"tokens":[1,2,255]}"#.utf8))]
    }
}

/// Bodies of `/v1/chat/completions`, of its token count and of `/apply-template`; the first byte chooses.
struct ChatTarget: FuzzTarget {
    private let bodies: ServedBodies

    init() throws { self.init(try ServedBodies()) }

    init(_ bodies: ServedBodies) { self.bodies = bodies }

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        guard let head = input.first else { return false }
        let service = ChatService(bodies.generations)
        switch head % 4 {
        case 0: return try bodies.accepts(input.dropFirst()) { try service.applyTemplate($0) }
        case 1: return try bodies.accepts(input.dropFirst()) { try service.inputTokens($0) }
        default: return try bodies.accepts(input.dropFirst()) { try await service.respond(to: $0) }
        }
    }

    func seeds() throws -> [FuzzSeed] {
        let chats = [
            #"{"messages":[{"role":"system","content":"Be brief"},"#
                + #"{"role":"user","content":[{"type":"text","text":"Hi"}]}]}"#,
            #"{"messages":[{"role":"user","content":"2+2?"},{"role":"assistant","content":null,"#
                + #""tool_calls":[{"id":"c","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]},"#
                + #"{"role":"tool","tool_call_id":"c","content":"4"}]}"#,
            #"{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"add","#
                + #""parameters":{"type":"object"}}}],"chat_template_kwargs":{"enable_thinking":false}}"#,
            #"{"messages":[{"role":"user","content":"x"}],"logprobs":true,"top_logprobs":2,"n":2,"max_tokens":3}"#,
            #"{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"go"}],"#
                + #""continue_final_message":true,"add_generation_prompt":false,"stream":true}"#,
            #"{"messages":[{"role":"user","content":"x"}],"max_completion_tokens":5,"stop":"y","#
                + #""resume":{"tokens":[1]}}"#,
        ]
        return chats.enumerated().flatMap { place, body in
            [0, 1, 2].map { FuzzSeed("chat-\(place)-\($0)", [$0] + Array(body.utf8)) }
        }
    }
}
