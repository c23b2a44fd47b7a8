package import PacelineCluster
import PacelineSpeculation
import Synchronization

/// Shows a verifier: its published figures, and the rounds of one request.
package struct VerifierDashboard: DashboardSource {
    private let lifecycle: ServerLifecycle

    package init(_ lifecycle: ServerLifecycle) {
        self.lifecycle = lifecycle
    }

    package func open(for tenant: Tenant, watching request: String?) throws(APIError) -> any DashboardView {
        VerifierView(lifecycle, tenant: tenant, try WatchedRequest(request))
    }
}

/// Whose rounds a viewer wants to see.
private enum WatchedRequest {
    case none
    /// The one that began last.
    case latest
    case number(RequestID)

    init(_ text: String?) throws(APIError) {
        switch text {
        case nil, "": self = .none
        case "latest": self = .latest
        case let text?:
            guard let number = UInt64(text) else {
                throw .invalidRequest("request must be a number or latest, not \(text.prefix(80))", param: "request")
            }
            self = .number(RequestID(rawValue: number))
        }
    }
}

private final class VerifierView: DashboardView {
    private struct State {
        var viewer: RoundFeed.Viewer?
        var watched: RequestID?
    }

    /// Requests that are listed.
    private static let listLimit = 32

    private let lifecycle: ServerLifecycle
    private let tenant: Tenant
    private let wanted: WatchedRequest
    private let state = Mutex(State())

    init(_ lifecycle: ServerLifecycle, tenant: Tenant, _ wanted: WatchedRequest) {
        (self.lifecycle, self.tenant, self.wanted) = (lifecycle, tenant, wanted)
    }

    func event(includesFigures: Bool) -> DashboardEvent? {
        switch lifecycle.phase {
        case nil: return DashboardEvent(includesFigures ? [("state", "loading")] : [])
        case .draining?: return nil
        case .serving?, .leaving?: break
        }
        guard let services = lifecycle.services, let insight = services.backend.insight else { return nil }
        var fields: [(name: String, value: JSONValue)] = []
        let (viewer, isNew) = viewer(of: insight.feed)
        guard let viewer else { return DashboardEvent([("state", "crowded")]) }
        if isNew { fields.append(("hello", services.models.greeting(insight))) }
        let watched = watch(viewer, insight.traces)
        let frame = viewer.take()
        if includesFigures {
            fields.append(("state", .string(lifecycle.phase == .leaving ? "leaving" : "serving")))
            let entries = insight.traces.entries(of: tenant, includesEnded: false, limit: Self.listLimit)
            fields.append(("figures", VerifierFigures(insight, entries: entries, watched: watched).json))
        }
        if !frame.rounds.isEmpty || !frame.passes.isEmpty {
            fields.append(("rounds", RoundsJSON(names: services.models.tokenNames).frame(frame, of: watched)))
        }
        return DashboardEvent(fields)
    }

    /// Joins the feed once there is one.
    private func viewer(of feed: RoundFeed) -> (viewer: RoundFeed.Viewer?, isNew: Bool) {
        state.withLock { state in
            if let viewer = state.viewer { return (viewer, false) }
            state.viewer = feed.join()
            return (state.viewer, true)
        }
    }

    /// Follows the request that is wanted.
    ///
    /// - Returns: which one that is.
    private func watch(_ viewer: RoundFeed.Viewer, _ traces: RequestTraces) -> RequestID? {
        let request: RequestID?
        switch wanted {
        case .none: request = nil
        case .number(let number): request = traces.trace(number, of: tenant)?.request
        case .latest:
            let entries = traces.entries(of: tenant, includesEnded: false, limit: Self.listLimit)
            let running = entries.filter { $0.phase != .waiting }.map(\.request)
            let before = state.withLock { $0.watched }
            // The same as before while it runs: a picture that jumps shows nothing.
            request = before.flatMap { running.contains($0) ? $0 : nil } ?? running.first ?? before
        }
        state.withLock { $0.watched = request }
        viewer.watch(request)
        return request
    }
}
