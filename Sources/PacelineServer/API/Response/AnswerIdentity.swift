import PacelineSpeculation

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

    /// The id of a choice's call: the same in every part of the answer, whoever writes it. Templates of Mistral insist
    /// on nine letters and figures, and everybody else takes them, too.
    func callID(_ index: Int, choice: Int) -> String {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        var number = FNV1a("\(id)/\(choice)/\(index)".utf8).value
        var name = ""
        for _ in 0..<9 {
            name.append(alphabet[Int(number % 62)])
            number /= 62
        }
        return name
    }
}
