package import HTTPTypes

extension HTTPField.Name {
    /// Tells nginx not to hold an answer back.
    static let xAccelBuffering = HTTPField.Name("x-accel-buffering")!
    static let traceparent = HTTPField.Name("traceparent")!
    package static let xAPIKey = HTTPField.Name("x-api-key")!
    package static let xRequestID = HTTPField.Name("x-request-id")!
    /// Names the generation, in answers about health and in those that are generated; see ``ServedModel/generation``.
    package static let pacelineGeneration = HTTPField.Name("paceline-generation")!
    /// Names the life of a verifier's process, in answers about health: who knows it by two addresses learns so.
    package static let pacelineIncarnation = HTTPField.Name("paceline-incarnation")!
    /// The seed of a generated answer, before its first byte: who loses the rest can ask for it.
    package static let pacelineSeed = HTTPField.Name("paceline-seed")!
}
