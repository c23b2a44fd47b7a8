import Foundation

/// The server that a load test asks, and how.
struct LoadTarget: Sendable, Hashable {
    enum API: String, Sendable {
        case completions = "/v1/completions"
        case chat = "/v1/chat/completions"
    }

    /// Without a slash at the end, and without `/v1`.
    let base: String
    var model = ""
    let api: API
    let key: String?

    /// - Parameters:
    ///   - url: where the server is, with or without `/v1`.
    ///   - key: what to send as `authorization: Bearer`.
    /// - Throws: ``LoadError/invalidURL(_:)``.
    init(url: String, api: API, key: String?) throws(LoadError) {
        guard let parts = URLComponents(string: url), ["http", "https"].contains(parts.scheme?.lowercased()),
            let host = parts.host, !host.isEmpty, parts.query == nil, parts.fragment == nil
        else { throw .invalidURL(url) }
        var base = url
        while base.hasSuffix("/") { base.removeLast() }
        if base.hasSuffix("/v1") { base.removeLast(3) }
        (self.base, self.api, self.key) = (base, api, key)
    }
}

/// Why a load test cannot begin, or gave nothing.
enum LoadError: Error, CustomStringConvertible {
    case invalidURL(String)
    /// The server cannot be asked, or does not answer as it should.
    case unusable(url: String, reason: String)
    /// It lacks a route that only synthetic prompts need.
    case noTokenizer(url: String, reason: String)
    /// Its tokenizer has no words of one token.
    case unevenTokenizer(url: String)
    case nothingAnswered(reason: String)

    var description: String {
        switch self {
        case .invalidURL(let text): "--url must be http://HOST:PORT or https://HOST:PORT, not \(text)"
        case .unusable(let url, let reason):
            "\(url) cannot be tested (\(reason)); check --url, --api-key and that the server runs"
        case .noTokenizer(let url, let reason):
            "\(url) cannot help to make prompts of a stated length with /tokenize and /detokenize (\(reason)); "
                + "check --model, or give --dataset instead of --prompt-tokens"
        case .unevenTokenizer(let url):
            "the tokenizer of \(url) does not count words as expected, so that prompts of a stated length cannot be "
                + "made; give --dataset instead of --prompt-tokens"
        case .nothingAnswered(let reason): "no request was answered to the end (\(reason))"
        }
    }
}
