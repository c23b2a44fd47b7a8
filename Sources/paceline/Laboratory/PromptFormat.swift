import ArgumentParser
import PacelineModel
import PacelineSpeculation

/// How the text of a prompt becomes tokens.
enum PromptFormat: ExpressibleByArgument, Hashable, CustomStringConvertible {
    /// As a user's message, in the chat format of the model's file.
    case model
    /// As it is.
    case none
    /// As a user's message, in the format of a family.
    case family(ChatFormat.Family)

    init?(argument: String) {
        switch argument {
        case "model": self = .model
        case "none": self = .none
        default:
            guard let family = ChatFormat.Family(rawValue: argument) else { return nil }
            self = .family(family)
        }
    }

    static var allValueStrings: [String] {
        ["model", "none"] + ChatFormat.Family.allCases.map(\.rawValue)
    }

    var description: String {
        switch self {
        case .model: "model"
        case .none: "none"
        case .family(let family): family.rawValue
        }
    }

    var defaultValueDescription: String { description }

    /// - Throws: ``TemplateError``, or what a tokenizer throws.
    func tokens(of texts: [String], for model: ModelFile) throws -> [[Token]] {
        let tokenizer = model.tokenizer
        guard let rendering = try rendering(for: model) else {
            return texts.map { tokenizer.encode($0, addBOS: tokenizer.prefersBOS) }
        }
        return try texts.map { tokenizer.encode(try rendering($0)) }
    }

    /// What makes a text a user's message, up to where the assistant answers; nil if texts stay as they are.
    ///
    /// - Throws: ``TemplateError``, or what a tokenizer throws.
    func rendering(for model: ModelFile) throws -> ((String) throws -> ChatPrompt)? {
        let tokenizer = model.tokenizer
        switch self {
        case .none:
            return nil
        case .model:
            let renderer = try ChatRenderer(model.file, tokenizer: tokenizer)
            // A fixed time, so that every run has the same prompts.
            return { try renderer.render([ChatMessage(.user, $0)], time: 0) }
        case .family(let family):
            let bos = try tokenizer.bos.map { try String(decoding: tokenizer.bytes(of: $0), as: UTF8.self) } ?? ""
            let format = ChatFormat(family, beginning: tokenizer.prefersBOS ? bos : "")
            return { format.render([ChatMessage(.user, $0)]) }
        }
    }
}
