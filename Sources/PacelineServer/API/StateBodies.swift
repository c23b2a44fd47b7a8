/// The answer of `GET /health` and `GET /ready`.
package struct StatusBody: Codable, Sendable, Hashable {
    package var status: String

    package init(status: String) {
        self.status = status
    }
}

/// The answer of `GET /v1/workers`: the workers that are connected now.
package struct WorkerList: Codable, Sendable, Hashable {
    package var data: [WorkerContribution]

    package init(data: [WorkerContribution]) {
        self.data = data
    }
}
