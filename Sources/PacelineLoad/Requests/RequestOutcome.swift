/// How a request ended.
package enum RequestOutcome: Sendable, Hashable {
    case completed
    case failed(RequestFailure)
    /// This program gave it up, because it was told to end.
    case abandoned
}

/// Why a request got no whole answer. The raw values are the names in reports.
package enum RequestFailure: String, Sendable, Hashable, CaseIterable {
    /// Status 429: the server is full and said so.
    case overloaded = "429"
    /// Status 503: the server takes no requests at present.
    case unavailable = "503"
    /// Another status than 200.
    case status
    /// No connection, or it ended before the answer began.
    case connection
    /// The answer was not complete in time.
    case timeout
    /// The answer ended in the middle.
    case cut
    /// The answer said that it failed, in its middle.
    case fault
    /// The answer is not one of OpenAI's API.
    case malformed

    /// The failure that an HTTP status other than 200 means.
    package init(status: Int) {
        self = status == 429 ? .overloaded : status == 503 ? .unavailable : .status
    }

    /// Whether the server refused the request instead of beginning to answer it.
    package var isRefusal: Bool { self == .overloaded || self == .unavailable }
}
