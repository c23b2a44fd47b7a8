import Glibc

/// The models that have short names, and where their files lie.
package struct ModelCatalog: Sendable {
    /// A model that `Deploy/fetch-models.sh` can fetch.
    package struct Entry: Sendable, Equatable {
        /// The short name.
        package let name: String
        package let file: String
        /// What to tell `Deploy/fetch-models.sh` to get it.
        package let set: String
    }

    package static let entries: [Entry] = [
        Entry(name: "smollm2-135m", file: "SmolLM2-135M-Instruct.Q4_1.gguf", set: "smollm2"),
        Entry(name: "qwen2.5-coder-1.5b", file: "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", set: "qwen"),
        Entry(name: "qwen2.5-coder-0.5b", file: "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", set: "qwen"),
    ]

    /// The folder of fetched models.
    package let directory: String

    package init(directory: String) {
        self.directory = directory
    }

    /// The folder that the environment names: `PACELINE_MODELS`, else `~/.cache/paceline/models`.
    package static func fromEnvironment() -> ModelCatalog {
        if let directory = variable("PACELINE_MODELS") { return ModelCatalog(directory: directory) }
        return ModelCatalog(directory: (variable("HOME") ?? ".") + "/.cache/paceline/models")
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// The path of the model that `name` names: a short name or the path of a GGUF file.
    ///
    /// Throws for a short name whose file was not fetched and for what is neither; whether a path can be opened and
    /// read is for ``GGUFFile`` to say.
    package func resolve(_ name: String) throws(CatalogError) -> String {
        if let entry = Self.entries.first(where: { $0.name == name }) {
            let path = "\(directory)/\(entry.file)"
            guard Self.exists(path) else { throw .notFetched(name: name, path: path, set: entry.set) }
            return path
        }
        guard name.contains("/") || name.hasSuffix(".gguf") || Self.exists(name) else {
            throw .unknown(name, known: Self.entries.map(\.name))
        }
        return name
    }

    private static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }
}
