/// What every part of one answer repeats.
struct AnswerIdentity: Sendable {
    let id: String
    /// Seconds since 1970.
    let created: Int
    /// The name by which the client asked for the model.
    let model: String
    /// Changes when the same request may give other tokens.
    let fingerprint: String

    /// The first fields of an answer or a chunk.
    func fields(_ object: String) -> [(name: String, value: JSONValue)] {
        [
            ("id", .string(id)), ("object", .string(object)), ("created", .int(created)), ("model", .string(model)),
            ("system_fingerprint", .string(fingerprint)),
        ]
    }
}
