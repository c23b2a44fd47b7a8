import HTTPTypes

/// The dashboard: a page at `/`, its files, and the events that feed it.
///
/// The page and its files say nothing about the server, and need no key. What ``DashboardSource`` tells needs one if
/// requests do. Nothing is computed unless somebody watches.
package struct Dashboard: Sendable {
    /// How often a viewer gets an event at most.
    static let interval = Duration.milliseconds(250)
    /// Events with rounds that come between two with figures.
    static let ticksPerFigures = 4

    private let source: any DashboardSource
    private let html: [UInt8]
    private let files: [DashboardPage.File]
    private let viewers = ViewerCount()

    /// - Parameters:
    ///   - page: shows what `source` tells.
    ///   - requiresKey: whether the page is to ask for an API key.
    package init(_ source: any DashboardSource, page: DashboardPage, requiresKey: Bool) {
        self.source = source
        files = page.files
        html = Array(page.html.replacing("{{requires-key}}", with: "\(requiresKey)", maxReplacements: 1).utf8)
    }

    /// Load balancers like to ask for `/`, so the page is a probe, too.
    package var routes: [Route] {
        let page = APIReply.whole(html, contentType: "text/html; charset=utf-8", headers: Self.pageHeaders)
        let files = files.map { file in
            Route(.get, "/dashboard/" + file.name, isProbe: true) { _ in
                .whole(file.bytes, contentType: file.contentType, headers: Self.fileHeaders)
            }
        }
        return [Route(.get, "/", isProbe: true) { _ in page }] + files + [
            Route(.get, "/dashboard/events") { [source, viewers] request in
                let viewer = try viewers.enter()
                let view = try source.open(for: request.tenant, watching: request.query["request"])
                return .events { writer in
                    defer { withExtendedLifetime(viewer) {} }
                    try await Self.stream(view, to: writer)
                }
            }
        ]
    }

    /// Shows a view until the client goes away or the server ends. A slow client gets fewer events, since each of them
    /// is made when the one before has left.
    private static func stream(_ view: any DashboardView, to writer: EventWriter) async throws {
        var tick = 0
        while let event = try await view.event(includesFigures: tick % ticksPerFigures == 0) {
            if let fields = event.fields { try await writer.event(JSONValue.object(fields).bytes) }
            try await Task.sleep(for: interval)
            tick += 1
        }
        try await writer.event(JSONValue.object([("state", "ended")]).bytes)
    }

    // MARK: Headers

    /// Nothing but these files may run or be loaded, and nobody may frame the page.
    private static let pageHeaders: HTTPFields = {
        var headers = fileHeaders
        headers[.contentSecurityPolicy] =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        headers[.referrerPolicy] = "no-referrer"
        return headers
    }()

    private static let fileHeaders: HTTPFields = [.cacheControl: "no-cache", .xContentTypeOptions: "nosniff"]
}

extension HTTPField.Name {
    fileprivate static let referrerPolicy = HTTPField.Name("referrer-policy")!
}
