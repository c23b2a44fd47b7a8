/// Fields of OpenAI's completion request that Paceline does not offer, read only to refuse them.
package struct UnsupportedOptions: Decodable, Sendable {
    var n: Int?
    var bestOf: Int?
    var echo: Bool?
    var logprobs: Int?
    var suffix: String?

    enum CodingKeys: String, CodingKey {
        case n, echo, logprobs, suffix
        case bestOf = "best_of"
    }

    /// Throws if one of them asks for something.
    package func refuse() throws(GatewayError) {
        if let n, n != 1 {
            throw .invalidRequest("n must be 1, not \(n); send one request per text, each with a seed of its own")
        }
        if let bestOf, bestOf != 1 { throw .invalidRequest("best_of must be 1, not \(bestOf)") }
        if echo == true { throw .invalidRequest("echo is not supported; put the prompt before the text yourself") }
        if let logprobs, logprobs != 0 {
            throw .invalidRequest("logprobs are not supported here; `paceline score` gives them for any text")
        }
        if let suffix, !suffix.isEmpty { throw .invalidRequest("suffix is not supported; leave it out") }
    }
}
