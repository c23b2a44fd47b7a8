import Glibc

/// The models that have short names, and where their files are.
package struct ModelCatalog: Sendable {
    /// A model that `Deploy/fetch-models.sh` can fetch.
    package struct Entry: Sendable, Equatable {
        /// The short name.
        package let name: String
        package let file: String
        /// The argument that makes `Deploy/fetch-models.sh` fetch it.
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

    /// The folder in the environment variable `PACELINE_MODELS`, or else `~/.cache/paceline/models`.
    package static func fromEnvironment() -> ModelCatalog {
        if let directory = variable("PACELINE_MODELS") { return ModelCatalog(directory: directory) }
        return ModelCatalog(directory: (variable("HOME") ?? ".") + "/.cache/paceline/models")
    }

    private static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// Turns `name`, a short name or the path of a GGUF file, into a path.
    ///
    /// Throws for a short name whose file was not fetched, and for a name that is neither. ``GGUFFile`` reports a path
    /// that cannot be read.
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

/// A model's name that leads to no file.
package enum CatalogError: Error, Equatable, CustomStringConvertible {
    case notFetched(name: String, path: String, set: String)
    case unknown(String, known: [String])

    package var description: String {
        switch self {
        case .notFetched(let name, let path, let set):
            "the model \(name) is not at \(path); fetch it with: Deploy/fetch-models.sh \(set)"
        case .unknown(let name, let known):
            "there is no model \"\(name)\"; name a GGUF file or one of \(known.joined(separator: ", "))"
        }
    }
}
