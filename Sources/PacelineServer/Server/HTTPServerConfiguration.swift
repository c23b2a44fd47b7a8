package import NIOCore
package import PacelineModel

/// Bounds that keep one client from hurting the others.
package struct HTTPServerConfiguration: Sendable {
    /// Bytes of a request's body.
    package var bodyLimit = Self.fieldBytes
    /// Bytes of the bodies of all requests that are read or answered; more are refused.
    package var bodyMemory = 1 << 29
    /// Connections that are served at once; the requests of more are refused.
    package var connectionLimit = 512
    /// Connections beyond ``connectionLimit`` whose request is refused in words; more are closed as they come.
    package var refusalLimit = 64
    /// How long a connection may wait for its next request. Longer than the 60 s of common load balancers, which would
    /// otherwise send requests into connections that close.
    package var idleTimeout = TimeAmount.seconds(90)
    /// How long a request may take to come in.
    package var requestTimeout = TimeAmount.seconds(10)
    /// How long a client may take none of the bytes that wait for it.
    package var writeTimeout = TimeAmount.seconds(10)
    /// How long a client may keep its direction of a connection open after the other one is closed.
    package var lingering = TimeAmount.seconds(1)

    /// The keys that clients need; nil lets everybody in.
    package var keys: APIKeys?
    /// The certificate; nil for plain HTTP.
    package var tls: ServerTLS?
    /// The origin whose scripts may use the server from a browser, `*` for all; nil for none.
    package var allowedOrigin: String?
    /// How errors are told that no endpoint has answered; nil for OpenAI's form.
    package var errorReply: (@Sendable (APIError) -> APIReply)?

    package init() {}
}

extension HTTPServerConfiguration {
    /// What all fields but the prompt may take: a thousand biases, stop strings, and what clients add of their own.
    private static let fieldBytes = 1 << 20
    /// A token's id, with the spaces and the line break that some clients put between.
    private static let idBytes = 32
    /// The most bytes that a byte of text takes when escaped. A line break or a quotation mark takes 2; a character of
    /// two or four bytes as `\uXXXX` takes 3 for each.
    private static let escapedBytes = 3

    /// Bounds for a model: any prompt that fits its context fits the body, as token ids or as text.
    ///
    /// - Parameter contextLength: tokens that prompt and text may have together.
    package init(contextLength: Int, tokenizer: Tokenizer) {
        let longest = (0..<tokenizer.tokenCount).lazy
            // Every id below the size has bytes.
            .map { (try? tokenizer.bytes(of: UInt32($0)).count) ?? 0 }
            .max()
        let perToken = max(Self.idBytes, (longest ?? 0).multipliedClamped(by: Self.escapedBytes))
        // No machine has the memory for a longer one, whatever its file says.
        bodyLimit = min(contextLength, 1 << 32).multipliedClamped(by: perToken).addingClamped(Self.fieldBytes)
        bodyMemory = max(bodyMemory, bodyLimit.multipliedClamped(by: 2))
    }
}
