import PacelineChat

/// The content of a message: a string, or an array of text parts.
struct MessageContent {
    var parts: [String]

    /// The text as one string: parts stand on lines of their own.
    var joined: String { parts.joined(separator: "\n") }

    /// nil if the field is absent or null.
    init?(_ fields: RequestFields, _ name: String) throws(APIError) {
        switch fields.value(name) {
        case nil: return nil
        case .text(let text): parts = [text.string]
        case .list(let list):
            parts = []
            for (place, value) in list.values.enumerated() {
                parts.append(try Self.text(of: fields.object("\(name)[\(place)]", value)))
            }
        case let value?: throw fields.mismatch(name, "a string or an array of text parts", value)
        }
    }

    private static func text(of part: RequestFields) throws(APIError) -> String {
        let type = try part.string("type") ?? "text"
        let name = type == "refusal" ? "refusal" : "text"
        guard ["text", "input_text", "output_text", "refusal"].contains(type) else {
            throw part.unsupported("type", part.value("type") ?? .none, "this model reads text parts only")
        }
        guard let text = try part.string(name) else { throw part.missing(name, "a string") }
        return text
    }
}
