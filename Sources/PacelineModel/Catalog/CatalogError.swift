/// A model's name leads to no file.
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
