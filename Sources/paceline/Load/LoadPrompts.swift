import ArgumentParser
import PacelineLoad

/// Where the prompts of a load test come from.
enum LoadPrompts: Sendable {
    case dataset(LoadDataset)
    case synthetic(SyntheticPrompts)

    func prompt(at ordinal: Int) -> LoadPrompt {
        switch self {
        case .dataset(let dataset): dataset.prompt(at: ordinal)
        case .synthetic(let prompts): .text(prompts.text(at: ordinal))
        }
    }

    /// Finds out which words are one token for the server, and checks that prompts made of them have the length asked
    /// for.
    ///
    /// - Throws: ``LoadError``.
    static func synthetic(tokens count: Int, seed: UInt64, client: LoadClient) async throws -> LoadPrompts {
        let candidates = SyntheticPrompts.candidates
        let known = Set(candidates)
        var words: Set<String> = []
        for token in Set(try await client.tokens(of: candidates.joined(separator: " "))).sorted() {
            // Some vocabularies leave out the space of a token that stands alone.
            let text = try await client.text(of: token)
            let word = text.first == " " ? String(text.dropFirst()) : text
            if known.contains(word) { words.insert(word) }
        }
        var openers: [String] = []
        for word in words.sorted() where openers.count < 16 {
            if try await client.tokens(of: word).count == 1 { openers.append(word) }
        }
        guard words.count > 1, !openers.isEmpty else { throw LoadError.unevenTokenizer(url: client.target.base) }
        let prompts = SyntheticPrompts(openers: openers, words: words.sorted(), tokens: count, seed: seed)
        for ordinal in 0..<4 {
            guard try await client.tokens(of: prompts.text(at: ordinal)).count == count else {
                throw LoadError.unevenTokenizer(url: client.target.base)
            }
        }
        return .synthetic(prompts)
    }

    /// Reads a file of prompts.
    ///
    /// - Throws: ``PromptFileError``, `ValidationError`.
    static func dataset(at path: String, api: LoadTarget.API) throws -> LoadPrompts {
        let text = try PromptFile.text(at: path)
        do {
            let dataset = try LoadDataset(text)
            guard api == .chat || !dataset.hasConversations else {
                throw ValidationError("\(path) has conversations, which need the chat endpoint; add --chat")
            }
            return .dataset(dataset)
        } catch let error as LoadDatasetError {
            throw ValidationError("\(path) cannot be used: \(error)")
        }
    }
}
