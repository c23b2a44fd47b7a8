import PacelineServer

/// What `--check` prints.
struct ConfigurationReport {
    /// The key of the option whose values are secrets.
    private static let secretKey = "api-key"

    private let settings: [EffectiveConfiguration.Setting]
    private let hasToken: Bool

    /// - Parameter environment: all variables of the process.
    init(_ configuration: EffectiveConfiguration, environment: [String: String]) {
        settings = configuration.settings
        hasToken = environment[LinkOptions.tokenVariable]?.isEmpty == false
    }

    /// One setting a line: its key, its value and where it comes from.
    var text: String {
        var table = TextTable()
        for setting in settings {
            table.append([setting.option.key, Self.shown(Self.disclosed(setting)), "\(setting.origin)"])
        }
        if hasToken { table.append(["token", "(hidden)", LinkOptions.tokenVariable]) }
        return table.text
    }

    /// An object of `{"value": …, "origin": …}` by key.
    var json: [String: Entry] {
        var entries = settings.map { ($0.option.key, Entry(value: Self.disclosed($0), origin: "\($0.origin)")) }
        if hasToken { entries.append(("token", Entry(value: nil, origin: LinkOptions.tokenVariable))) }
        return Dictionary(entries) { first, _ in first }
    }

    struct Entry: Encodable {
        let value: ConfigurableOption.Value?
        let origin: String

        private enum CodingKeys: String, CodingKey {
            case value, origin
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(origin, forKey: .origin)
            switch value {
            case .flag(let isOn)?: try container.encode(isOn, forKey: .value)
            case .single(let text)?: try container.encode(text, forKey: .value)
            case .list(let texts)?: try container.encode(texts, forKey: .value)
            case nil: try container.encodeNil(forKey: .value)
            }
        }
    }

    /// A setting's value as everybody may see it.
    private static func disclosed(_ setting: EffectiveConfiguration.Setting) -> ConfigurableOption.Value? {
        guard setting.option.key == secretKey, case .list(let keys)? = setting.value else { return setting.value }
        return .list(keys.map { _ in "(hidden)" })
    }

    private static func shown(_ value: ConfigurableOption.Value?) -> String {
        switch value {
        case .flag(let isOn)?: "\(isOn)"
        case .single(let text)?: text
        case .list(let texts)?: texts.joined(separator: ", ")
        case nil: "(not set)"
        }
    }
}
