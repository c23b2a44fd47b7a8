import ArgumentParser
import Foundation

/// An option of a command that the environment and a file can set, too.
///
/// The table of a command is derived from its flags, so that every name, default and check is written once: `--grace`
/// is the variable `PACELINE_GRACE` and the key `grace:`.
struct ConfigurableOption: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// On or off.
        case flag
        case single
        /// May be repeated.
        case list
    }

    /// Names of the option in a file: its long ones. The first is shown.
    let keys: [String]
    /// Names of the option on the command line, with their dashes.
    let flags: [String]
    let kind: Kind
    /// As help shows it; nil if the option is off or unset by default.
    let defaultValue: String?

    var key: String { keys[0] }

    /// The variables that set it, in the order of ``keys``.
    var variables: [String] { keys.map(ConfigurationEnvironment.variable) }

    /// The arguments that set it.
    func arguments(for value: Value) -> [String] {
        switch value {
        case .flag(let isOn): isOn ? ["--" + key] : []
        case .single(let text): ["--\(key)=\(text)"]
        case .list(let texts): texts.map { "--\(key)=\($0)" }
        }
    }

    /// What an option is set to, as text that the command line's parser has yet to check.
    enum Value: Sendable, Equatable {
        case flag(Bool)
        case single(String)
        case list([String])
    }
}

extension ConfigurableOption {
    /// What says where settings come from, or asks for something else than running.
    private static let excluded: Set = ["help", "version", "config", "check"]

    /// All options of a command, in the order of its help.
    static func all(of command: any ParsableCommand.Type) throws -> [ConfigurableOption] {
        let tool = try JSONDecoder().decode(Tool.self, from: Data(command._dumpHelp().utf8))
        return tool.command.arguments.compactMap { argument in
            let names = argument.names ?? []
            let long = names.filter { $0.kind == "long" } + names.filter { $0.kind == "longWithSingleDash" }
            guard let kind = argument.optionKind, let first = long.first, !excluded.contains(first.name) else {
                return nil
            }
            return ConfigurableOption(
                keys: long.map(\.name),
                flags: names.map(\.dashed),
                kind: kind,
                defaultValue: argument.defaultValue
            )
        }
    }

    /// What ArgumentParser says about a command; the fields that matter here.
    private struct Tool: Decodable {
        struct Command: Decodable {
            let arguments: [Argument]
        }

        struct Argument: Decodable {
            let kind: String
            let isRepeating: Bool
            let names: [Name]?
            let defaultValue: String?

            var optionKind: Kind? {
                switch kind {
                case "flag": .flag
                case "option": isRepeating ? .list : .single
                default: nil
                }
            }
        }

        struct Name: Decodable {
            let kind: String
            let name: String

            var dashed: String { (kind == "long" ? "--" : "-") + name }
        }

        let command: Command
    }
}
