import PacelineModel

/// Answers what clients ask about the model and the server: `/v1/models`, `/props`, `/slots`.
package struct ModelService: Sendable {
    let model: ServedModel
    private let backend: any GenerationBackend
    /// The server's name and version.
    let build: String

    package init(_ model: ServedModel, backend: any GenerationBackend, build: String) {
        self.model = model
        self.backend = backend
        self.build = build
    }

    /// `GET /v1/models`: an entry for each name of the model.
    package func list() -> APIReply {
        let list: JSONValue = ["object": "list", "data": .array(model.names.map { entry($0) })]
        return .whole(list.bytes)
    }

    /// `GET /v1/models/{id}`
    ///
    /// - Throws: ``APIError`` (404) for another model.
    package func model(_ id: String) throws(APIError) -> APIReply {
        .whole(entry(try model.name(for: id)).bytes)
    }

    private func entry(_ name: String) -> JSONValue {
        [
            "id": .string(name), "object": "model", "created": .int(model.created), "owned_by": "paceline",
            "root": .string(model.root), "parent": .null, "max_model_len": .int(model.contextLength),
            "system_fingerprint": .string(model.fingerprint), "meta": model.description,
        ]
    }

    /// `GET /props`, after llama.cpp.
    package func properties() -> APIReply {
        let renderer = model.renderer
        var capabilities: [(name: String, value: JSONValue)] = []
        if let traits = renderer.traits {
            capabilities = [
                ("supports_system_role", .bool(traits.takesSystem)), ("supports_tools", .bool(traits.takesTools)),
                ("supports_tool_calls", .bool(traits.takesToolCalls)),
                ("requires_typed_content", .bool(traits.needsParts)),
                ("requires_object_arguments", .bool(!traits.wantsArgumentText)),
            ]
        }
        let properties: JSONValue = [
            "default_generation_settings": ["n_ctx": .int(model.contextLength)],
            "total_slots": .int(model.slots), "model_alias": .string(model.id), "model_path": .string(model.root),
            "modalities": ["vision": false, "audio": false],
            "chat_template": .string(renderer.templateSource ?? ""), "chat_template_caps": .object(capabilities),
            "bos_token": .string(renderer.bos), "eos_token": .string(renderer.eos), "build_info": .string(build),
        ]
        return .whole(properties.bytes)
    }

    /// `GET /slots`, after llama.cpp: which slots are taken is not said, only how many.
    ///
    /// - Parameter needsFree: whether the answer is an error if no slot is free.
    /// - Throws: ``APIError`` (503) in that case.
    package func slots(needsFree: Bool) async throws -> APIReply {
        let occupancy = try await backend.occupancy()
        guard !needsFree || occupancy.running < model.slots else {
            throw APIError.unavailable("all \(model.slots) slots are taken; try again later", retryAfter: 1)
        }
        let slots = (0..<model.slots).map { slot -> JSONValue in
            ["id": .int(slot), "n_ctx": .int(model.contextLength), "is_processing": .bool(slot < occupancy.running)]
        }
        return .whole(JSONValue.array(slots).bytes)
    }
}
