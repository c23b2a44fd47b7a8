import ArgumentParser

/// What a process reports to its parent with `--announce`: one JSON object per line on standard output.
///
/// ```
/// {"event":"progress","fraction":0.25}
/// {"event":"ready","drafts":"127.0.0.1:41231","http":"127.0.0.1:41232","load_ms":812.5}
/// {"event":"failed","message":"[::1]:7411 is in use by another process; choose another port, or 0 for any free one"}
/// ```
struct Announcement: Codable, Sendable, Hashable {
    enum Event: String, Codable {
        /// A verifier or a worker is loading its model.
        case progress
        /// A verifier accepts requests and workers, or a relay accepts connections.
        case ready
        /// The process is about to end, for the reason in `message`.
        case failed
    }

    var event: Event
    var fraction: Double?
    /// Where workers connect.
    var drafts: String?
    /// Where clients connect.
    var http: String?
    /// Where a relay's clients connect.
    var relay: String?
    /// Milliseconds from the start of the process until it was ready.
    var loadMS: Double?
    var message: String?

    enum CodingKeys: String, CodingKey {
        case event, fraction, drafts, http, relay, message
        case loadMS = "load_ms"
    }

    init(_ event: Event) {
        self.event = event
    }

    static func progress(_ fraction: Double) -> Announcement {
        var announcement = Announcement(.progress)
        announcement.fraction = fraction
        return announcement
    }

    static func failed(_ message: String) -> Announcement {
        var announcement = Announcement(.failed)
        announcement.message = message
        return announcement
    }
}
