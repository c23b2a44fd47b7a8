/// The files of a page, which are compiled in: there is nothing to install beside the executable.
package struct DashboardPage: Sendable {
    struct File: Sendable {
        let name: String
        let contentType: String
        let bytes: [UInt8]
    }

    /// The document, in which `{{requires-key}}` stands for whether it is to ask for an API key.
    let html: String
    /// What it loads from `/dashboard/`.
    let files: [File]

    /// The page of ``VerifierDashboard``.
    package static let verifier = DashboardPage(
        PackageResources.page_html,
        scripts: [
            script("main.js", PackageResources.main_js), script("panels.js", PackageResources.panels_js),
            script("tree.js", PackageResources.tree_js), script("rounds.js", PackageResources.rounds_js),
        ]
    )

    /// The page of a gateway: figures and verifiers, each with the way to its own page.
    package static let gateway = DashboardPage(
        PackageResources.gateway_html,
        scripts: [
            script("gateway.js", PackageResources.gateway_js), script("replicas.js", PackageResources.replicas_js),
        ]
    )

    private init(_ html: [UInt8], scripts: [File]) {
        self.html = String(decoding: html, as: UTF8.self)
        files = Self.common + scripts
    }

    /// What all pages load.
    private static let common = [
        File(name: "style.css", contentType: "text/css; charset=utf-8", bytes: PackageResources.style_css),
        File(name: "icon.svg", contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
        script("frame.js", PackageResources.frame_js), script("stream.js", PackageResources.stream_js),
        script("history.js", PackageResources.history_js), script("charts.js", PackageResources.charts_js),
        script("widgets.js", PackageResources.widgets_js), script("dom.js", PackageResources.dom_js),
    ]

    private static func script(_ name: String, _ bytes: [UInt8]) -> File {
        File(name: name, contentType: "text/javascript; charset=utf-8", bytes: bytes)
    }
}
