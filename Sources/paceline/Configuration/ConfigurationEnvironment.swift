import Configuration
import PacelineCluster

/// The variables that begin with `PACELINE_`.
struct ConfigurationEnvironment {
    private static let prefix = "PACELINE_"
    /// What other parts of Paceline read: the secret of the link, the log's level and the folder of models.
    private static let otherVariables = ["PACELINE_TOKEN", "PACELINE_LOG", "PACELINE_MODELS", "PACELINE_CONFIG"]
    /// What the build and the tests read; it may be set for the processes that they start.
    private static let developmentVariables = [
        "PACELINE_COMMIT", "PACELINE_CROSS", "PACELINE_FAMILY_GOLDENS", "PACELINE_FUZZ_RUNS", "PACELINE_FUZZ_SEED",
        "PACELINE_JINJA_SEEDS", "PACELINE_QUICK_SIMULATION", "PACELINE_RECORD_VECTORS", "PACELINE_SIMULATION_SEEDS",
        "PACELINE_TEST_MODEL", "PACELINE_TEST_QWEN", "PACELINE_TEST_SCHEMA_SUITE", "PACELINE_TEST_SEEDS",
    ]

    private let variables: [String: String]
    private let provider: EnvironmentVariablesProvider

    /// - Parameter environment: all variables of the process.
    init(_ environment: [String: String]) {
        // Empty ones do not count: a manifest may set a variable from a value that is absent.
        variables = environment.filter { name, value in
            name.hasPrefix(Self.prefix) && !value.isEmpty && !Self.isKubernetes(name, value)
        }
        provider = EnvironmentVariablesProvider(environmentVariables: variables)
    }

    subscript(name: String) -> String? { variables[name] }

    /// The variable for a key: `drain-delay` is `PACELINE_DRAIN_DELAY`.
    static func variable(_ key: String) -> String {
        prefix + key.uppercased().map { $0.isLetter || $0.isNumber ? String($0) : "_" }.joined()
    }

    /// What sets an option, and the variable that says so.
    func setting(of option: ConfigurableOption) throws -> (value: ConfigurableOption.Value, variable: String)? {
        for key in option.keys {
            let variable = Self.variable(key)
            guard let text = variables[variable] else { continue }
            let path = AbsoluteConfigKey(["paceline", key])
            switch option.kind {
            case .single: return (.single(text), variable)
            case .flag:
                guard case .bool(let isOn)? = try? provider.value(forKey: path, type: .bool).value?.content else {
                    throw ConfigurationError.notBoolean(.variable(variable), value: text)
                }
                return (.flag(isOn), variable)
            case .list:
                guard
                    case .stringArray(let items)? = try provider.value(forKey: path, type: .stringArray).value?.content
                else { continue }
                return (.list(items), variable)
            }
        }
        return nil
    }

    /// Variables that nothing reads, each with the nearest that something does; sorted.
    func unknown(besides options: [ConfigurableOption]) -> [(variable: String, nearest: String?)] {
        let known = Set(options.flatMap(\.variables) + Self.otherVariables)
        return variables.keys.sorted().compactMap { name in
            guard !known.contains(name), !Self.developmentVariables.contains(name) else { return nil }
            return (name, NearestName.of(name, among: known))
        }
    }

    /// Whether a child of this process that gets all its options as arguments should see a variable.
    static func isForChildren(_ name: String) -> Bool {
        !name.hasPrefix(prefix) || (otherVariables.contains(name) && name != "PACELINE_CONFIG")
    }

    /// Whether Kubernetes may have set a variable for a Service whose name begins with "paceline".
    ///
    /// Of `paceline` these are `PACELINE_PORT` and all that begin with `PACELINE_PORT_` or `PACELINE_SERVICE_`. Of
    /// `paceline-x` they are `PACELINE_X_SERVICE_…`, and `PACELINE_X_PORT` and `PACELINE_X_PORT_…` with an address.
    static func isKubernetes(_ name: String, _ value: String) -> Bool {
        let parts = name.split(separator: "_", omittingEmptySubsequences: false)
        guard parts.first == "PACELINE", parts.count > 1 else { return false }
        if parts[1] == "PORT" || parts[1] == "SERVICE" && parts.count > 2 { return true }
        if let place = parts.dropFirst(2).firstIndex(of: "SERVICE"), place < parts.count - 1 { return true }
        guard let place = parts.lastIndex(of: "PORT"), place > 1 else { return false }
        if place == parts.count - 1 {
            // The last part of PACELINE_X_PORT_80_TCP_PORT, or all of PACELINE_X_PORT=tcp://….
            return ["tcp://", "udp://", "sctp://"].contains { value.hasPrefix($0) } || parts.dropLast().contains("PORT")
        }
        return Int(parts[place + 1]) != nil
    }
}
