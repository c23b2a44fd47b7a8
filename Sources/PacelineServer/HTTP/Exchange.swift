import NIOHTTP1

/// The request that a connection serves, its answer, and whether the connection serves another one afterwards.
struct Exchange {
    enum Phase {
        /// No request has come, or only a part of its head.
        case idle
        /// A request's head has come, but not its end.
        case receiving
        /// A request waits for its answer.
        case due
        /// A stream of events has begun.
        case events
        /// An answer of another kind has begun.
        case whole
        /// The connection serves nothing more.
        case over
    }

    private(set) var phase = Phase.idle
    private var version = HTTPVersion.http1_1
    /// Whether the answer has no body, whatever its headers say.
    private(set) var isHead = false
    private var isRequestComplete = false
    private var keepsAlive = true

    /// Takes a request's head.
    ///
    /// - Returns: the same with a `connection` header that says in one word whether the client will reuse it.
    mutating func receive(_ head: HTTPRequestHead) -> HTTPRequestHead {
        (phase, version, isHead) = (.receiving, head.version, head.method == .HEAD)
        (isRequestComplete, keepsAlive) = (false, head.isKeepAlive)
        var head = head
        head.headers.replaceOrAdd(name: "connection", value: keepsAlive ? "keep-alive" : "close")
        return head
    }

    mutating func receiveEnd() {
        isRequestComplete = true
        if phase == .receiving { phase = .due }
    }

    /// Begins the answer.
    ///
    /// - Parameters:
    ///   - head: what the application answers; informational ones do not count.
    ///   - isLast: whether the connection ends with this answer.
    /// - Returns: the head in the client's version of HTTP.
    mutating func begin(_ head: HTTPResponseHead, isLast: Bool) -> HTTPResponseHead {
        phase = EventStream.isType(head.headers.first(name: "content-type")) ? .events : .whole
        var head = head
        head.version = version
        // Without chunks, HTTP/1.0 marks the end of a stream by closing. The rest of a request that is answered early
        // is not waited for.
        let isDelimited = version.major > 1 || version.minor >= 1 || head.headers.contains(name: "content-length")
        keepsAlive = keepsAlive && isDelimited && isRequestComplete && !isLast && head.isKeepAlive
        head.headers.replaceOrAdd(name: "connection", value: keepsAlive ? "keep-alive" : "close")
        return head
    }

    /// Ends the answer.
    ///
    /// - Returns: whether the connection serves another request.
    mutating func end() -> Bool {
        phase = keepsAlive ? .idle : .over
        return keepsAlive
    }

    /// Ends the connection, whatever it was doing.
    mutating func abandon() {
        phase = .over
    }
}
