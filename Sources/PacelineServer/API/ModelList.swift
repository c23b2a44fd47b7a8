/// The answer of `GET /v1/models`.
package struct ModelList: Codable, Sendable, Hashable {
    package struct Entry: Codable, Sendable, Hashable {
        package var id: String
        package var object = "model"
        package var ownedBy = "paceline"
        /// The most tokens of prompt and text together, with vLLM's name.
        package var maxModelLen: Int

        enum CodingKeys: String, CodingKey {
            case id, object
            case ownedBy = "owned_by"
            case maxModelLen = "max_model_len"
        }
    }

    package var object = "list"
    package var data: [Entry]

    package init(id: String, contextLength: Int) {
        data = [Entry(id: id, maxModelLen: contextLength)]
    }
}

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
