import PacelineChat
import PacelineServer
import PacelineSpeculation

/// Where an answer was cut: the `resume` of the request that goes on with it.
struct RelayPoint: Sendable, Equatable {
    /// The tokens of each choice; nil for one of which the client has nothing.
    var tokens: [[Token]?]
    /// What the answer's chunks are to have, as JSON; nil for new ones.
    var id: String?
    var created: Int?

    init(tokens: [[Token]?], id: String? = nil, created: Int? = nil) {
        (self.tokens, self.id, self.created) = (tokens, id, created)
    }

    /// The client's own; nil if it has none that a verifier takes.
    init?(_ fields: JSONFields, choices: Int) {
        guard case .mapping(let resume)? = fields.value("resume"), case .list(let list)? = resume["tokens"] else {
            return nil
        }
        var tokens: [[Token]?] = []
        var flat: [Token] = []
        for value in list.values {
            switch value {
            case .none: tokens.append(nil)
            case .list(let inner): tokens.append(inner.values.compactMap { $0.wholeNumber.flatMap { Token(exactly: $0) } })
            default: flat += value.wholeNumber.flatMap { Token(exactly: $0) }.map { [$0] } ?? []
            }
        }
        self.tokens = tokens.isEmpty ? [flat] : tokens
        guard self.tokens.count == choices else { return nil }
        if case .text(let text)? = resume["id"] { id = text.string }
        created = resume["created"]?.wholeNumber
    }

    var json: String {
        let lists = tokens.map { list in list.map { "[" + $0.map(String.init).joined(separator: ",") + "]" } ?? "null" }
        var text = "{\"tokens\":[" + lists.joined(separator: ",") + "]"
        if let id { text += ",\"id\":" + String(decoding: JSONValue.string(id).bytes, as: UTF8.self) }
        if let created { text += ",\"created\":\(created)" }
        return text + "}"
    }
}
