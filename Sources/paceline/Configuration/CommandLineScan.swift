/// What a command line sets, found without checking it: the parser does that later.
struct CommandLineScan {
    private(set) var values: [String: ConfigurableOption.Value] = [:]
    /// The value of `--config`; nil without it.
    private(set) var file: String?

    /// - Parameter arguments: those behind the command's name.
    init(_ arguments: ArraySlice<String>, options: [ConfigurableOption]) {
        var rest = arguments
        while let argument = rest.popFirst(), argument != "--" {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            if parts[0] == "--config" {
                file = parts.count > 1 ? parts[1] : rest.popFirst()
                continue
            }
            guard let option = options.first(where: { $0.flags.contains(parts[0]) }) else { continue }
            switch option.kind {
            case .flag: values[option.key] = .flag(true)
            case .single: values[option.key] = .single((parts.count > 1 ? parts[1] : rest.popFirst()) ?? "")
            case .list:
                let value = (parts.count > 1 ? parts[1] : rest.popFirst()) ?? ""
                guard case .list(let items)? = values[option.key] else {
                    values[option.key] = .list([value])
                    continue
                }
                values[option.key] = .list(items + [value])
            }
        }
    }
}
