import Foundation

/// What a client reads of a stream: everything that must not depend on how it came.
struct StreamText: Equatable {
    struct Choice: Equatable {
        var roles = 0
        var text = ""
        var reasoning = ""
        /// Calls of tools: their names and arguments, joined.
        var calls: [String] = []
        var tokens: [Int] = []
        var logProbabilities: [String] = []
        var reasons: [String] = []
    }

    var choices: [Int: Choice] = [:]
    var usage: [String] = []
    var seeds: [String] = []
    /// Lists of the prompt's tokens.
    var prompts: [String] = []
    /// Marks of the end, and whether the last thing is one.
    var ends = 0
    var isEnded = false
    var errors: [String] = []
    /// What all chunks have in common; more than one if they differ.
    var identities: Set<String> = []
    /// Whether token ids are shown anywhere.
    var showsTokens = false

    init(_ stream: String) throws {
        for event in stream.components(separatedBy: "\n\n").dropLast() where !event.hasPrefix(":") {
            isEnded = event == "data: [DONE]"
            if isEnded {
                ends += 1
                continue
            }
            let data = Data(event.dropFirst("data: ".count).utf8)
            guard let chunk = try JSONSerialization.jsonObject(with: data) as? [String: Any] else { continue }
            try take(chunk)
        }
        // In whatever order choices began.
        prompts.sort()
    }

    /// The same without what is drawn anew for each answer.
    var withoutIdentity: StreamText {
        var text = self
        text.identities = []
        return text
    }

    private mutating func take(_ chunk: [String: Any]) throws {
        if let error = chunk["error"] { return errors.append("\(error)") }
        identities.insert("\(chunk["id"] ?? "") \(chunk["created"] ?? "") \(chunk["model"] ?? "")")
        // Token counts so far, in chunks of choices, depend on how many tokens came at once.
        if let usage = chunk["usage"] as? [String: Any], (chunk["choices"] as? [Any])?.isEmpty == true {
            self.usage.append("\(usage["prompt_tokens"] ?? "") \(usage["completion_tokens"] ?? "")")
        }
        if let seed = chunk["seed"] { seeds.append("\(seed)") }
        if let prompt = chunk["prompt_token_ids"] { prompts.append("\(prompt)") }
        for entry in chunk["choices"] as? [[String: Any]] ?? [] { try take(choice: entry) }
    }

    private mutating func take(choice entry: [String: Any]) throws {
        let index = entry["index"] as? Int ?? -1
        var choice = choices[index] ?? Choice()
        let delta = entry["delta"] as? [String: Any]
        if delta?["role"] != nil { choice.roles += 1 }
        choice.text += entry["text"] as? String ?? delta?["content"] as? String ?? ""
        choice.reasoning += delta?["reasoning_content"] as? String ?? ""
        for call in delta?["tool_calls"] as? [[String: Any]] ?? [] {
            let function = call["function"] as? [String: Any]
            if call["id"] != nil { choice.calls.append("\(call["index"] ?? "") \(function?["name"] ?? "") ") }
            if choice.calls.isEmpty { choice.calls.append("without a beginning: ") }
            choice.calls[choice.calls.count - 1] += function?["arguments"] as? String ?? ""
        }
        if let tokens = entry["token_ids"] as? [Int] {
            choice.tokens += tokens
            showsTokens = true
        }
        if let prompt = entry["prompt_token_ids"] { prompts.append("\(index): \(prompt)") }
        if let scores = entry["logprobs"] as? [String: Any] {
            for key in ["content", "tokens", "token_logprobs", "top_logprobs", "text_offset"] {
                for value in scores[key] as? [Any] ?? [] {
                    let data = try JSONSerialization.data(withJSONObject: [value], options: .sortedKeys)
                    choice.logProbabilities.append(key + String(decoding: data, as: UTF8.self))
                }
            }
            choice.logProbabilities.sort()
        }
        if let reason = entry["finish_reason"] as? String { choice.reasons.append(reason) }
        choices[index] = choice
    }
}
