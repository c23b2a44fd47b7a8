package import PacelineCluster

/// What a dashboard shows: a verifier's state, or that of a gateway. ``DashboardPage`` has the page for each.
package protocol DashboardSource: Sendable {
    /// Begins to watch.
    ///
    /// - Parameters:
    ///   - tenant: who watches; requests of others are not shown.
    ///   - request: the request whose rounds are wanted: its number, or `latest` for the one that began last.
    /// - Throws: ``APIError`` if as many watch as may, or the request's name cannot be read.
    func open(for tenant: Tenant, watching request: String?) throws(APIError) -> any DashboardView
}

/// What one viewer sees, for one task. Releasing it ends the watching.
package protocol DashboardView: AnyObject, Sendable {
    /// What has happened since the last call; nil if nothing will ever come again.
    ///
    /// The fields are `hello` (what does not change), `state`, `figures` and, of a verifier, `rounds`; those without
    /// news are left out.
    ///
    /// - Parameter includesFigures: whether figures are due, and not only what cannot wait for them.
    /// - Throws: whatever keeps the state from being read, which ends the stream.
    func event(includesFigures: Bool) async throws -> DashboardEvent?
}

/// News for a viewer.
package struct DashboardEvent: Sendable {
    /// Nil if there are none.
    package var fields: [(name: String, value: JSONValue)]?

    package init(_ fields: [(name: String, value: JSONValue)]) {
        self.fields = fields.isEmpty ? nil : fields
    }
}
