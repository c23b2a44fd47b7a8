/// Where a setting comes from.
enum SettingOrigin: Sendable, Equatable, CustomStringConvertible {
    case commandLine
    case variable(String)
    case file(String, line: Int)
    case fallback

    var description: String {
        switch self {
        case .commandLine: "command line"
        case .variable(let name): name
        case .file(let path, let line): "\(path), line \(line)"
        case .fallback: "default"
        }
    }
}

/// What is wrong with the environment or the file of settings.
enum ConfigurationError: Error, Equatable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case tooLarge(path: String)
    case notYAML(path: String, reason: String)
    case noKey(SettingOrigin, text: String)
    case unknownKey(String, SettingOrigin, nearest: String?)
    case repeatedKey(String, SettingOrigin, first: Int)
    case notValue(String, SettingOrigin)
    case notBoolean(SettingOrigin, value: String)

    var description: String {
        switch self {
        case .unreadable(let path, let reason): "the file of settings \(path) cannot be read: \(reason)"
        case .tooLarge(let path):
            "the file of settings \(path) is larger than \(ConfigurationFile.limit) bytes; name a file of settings"
        case .notYAML(let path, let reason): "the file of settings \(path) is not valid YAML: \(reason)"
        case .noKey(let origin, let text):
            "\(origin): \"\(text)\" has no key; write one \"key: value\" a line, and indent what continues it"
        case .unknownKey(let key, let origin, let nearest):
            "\(origin): there is no setting \"\(key)\"; "
                + (nearest.map { "did you mean \"\($0)\"?" } ?? "keys are the long options without their dashes")
        case .repeatedKey(let key, let origin, let first):
            "\(origin): \"\(key)\" was set in line \(first) already; keep one of them"
        case .notValue(let key, let origin): "\(origin): \"\(key)\" takes a value or a list of values"
        case .notBoolean(let origin, let value): "\(origin): it must be true or false, not \"\(value)\""
        }
    }
}
