package import PacelineChat
package import PacelineSpeculation

/// Where an answer was cut, to go on behind it: `resume {"tokens": […]}`.
package struct ResumePoint: Sendable, Equatable {
    /// The tokens that each choice had, in the order of the choices; nil for one of which nothing came, not even the
    /// prompt that it repeats.
    package var tokens: [[Token]?]
    /// The identity of the answer that is continued; nil for a new one.
    package var id: String?
    package var created: Int?

    package init(tokens: [[Token]?], id: String? = nil, created: Int? = nil) {
        (self.tokens, self.id, self.created) = (tokens, id, created)
    }

    /// Reads the value of the field for those who do not know the vocabulary.
    ///
    /// - Throws: ``APIError`` (400) if every verifier would refuse it.
    package init(_ value: TemplateValue) throws(APIError) {
        try self.init(RequestFields(of: "resume", value), vocabularySize: .max)
    }

    init(_ resume: RequestFields, vocabularySize: Int) throws(APIError) {
        id = try resume.string("id")
        if let id, !RequestIdentity.isSane(id) {
            // It goes into every chunk, and into what operators read.
            throw .invalidRequest(
                "resume.id must be the id of an answer: 1 to \(RequestIdentity.limit) printable ASCII characters",
                param: "resume.id"
            )
        }
        created = try resume.integer("created", in: 0...Int.max)
        guard let values = try resume.array("tokens", of: "token ids") else {
            throw resume.missing("tokens", "an array of token ids")
        }
        guard values.contains(where: \.isOfOneChoice) else {
            tokens = [try GenerationOptions.tokens(resume, "tokens", vocabularySize: vocabularySize) ?? []]
            return
        }
        tokens = []
        for (choice, value) in values.enumerated() {
            tokens.append(try Self.tokens(resume, "tokens[\(choice)]", value, vocabularySize: vocabularySize))
        }
    }

    /// The tokens of one choice of several.
    private static func tokens(
        _ resume: RequestFields,
        _ name: String,
        _ value: TemplateValue,
        vocabularySize: Int
    ) throws(APIError) -> [Token]? {
        if case .none = value { return nil }
        guard case .list(let list) = value else { throw resume.mismatch(name, "an array of token ids", value) }
        var tokens: [Token] = []
        for item in list.values {
            guard let token = item.tokenID, Int(token) < vocabularySize else {
                throw resume.mismatch(name, "an array of token ids below \(vocabularySize)", value)
            }
            tokens.append(token)
        }
        return tokens
    }

    /// The value of the field.
    package var json: JSONValue {
        var fields: [(name: String, value: JSONValue)] = [
            ("tokens", .array(tokens.map { $0.map { .tokens($0) } ?? .null }))
        ]
        if let id { fields.append(("id", .string(id))) }
        if let created { fields.append(("created", .int(created))) }
        return .object(fields)
    }
}

extension TemplateValue {
    /// Whether an entry of `resume.tokens` stands for a choice, and not for a token.
    fileprivate var isOfOneChoice: Bool {
        switch self {
        case .list, .none: true
        default: false
        }
    }
}
