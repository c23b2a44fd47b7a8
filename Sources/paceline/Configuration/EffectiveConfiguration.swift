import ArgumentParser

/// The settings of a long-running command: the command line's, else the environment's, else the file's, else the
/// defaults.
///
/// What the environment and the file set is written as arguments in front of the command line's. So one parser checks
/// all of it. A list is taken whole from the first of the sources that has it.
struct EffectiveConfiguration {
    /// One option.
    struct Setting: Sendable, Equatable {
        let option: ConfigurableOption
        /// Nil if it is not set and has no default.
        let value: ConfigurableOption.Value?
        let origin: SettingOrigin
    }

    /// The commands that have one.
    static let commands: [any ConfiguredCommand.Type] = [VerifierCommand.self, WorkerCommand.self, GatewayCommand.self]

    /// The options of each of them, in the same order.
    private static let tables: Result<[[ConfigurableOption]], any Error> = Result {
        try commands.map { try ConfigurableOption.all(of: $0) }
    }

    /// Empty for other commands, and where help is asked for.
    let settings: [Setting]
    /// What to parse.
    let arguments: [String]
    /// Sentences about variables that nothing reads.
    let warnings: [String]

    /// - Parameters:
    ///   - arguments: the command line without the program's name.
    ///   - environment: all variables of the process.
    /// - Throws: ``ConfigurationError``.
    init(_ arguments: [String], environment: [String: String]) throws {
        let asksForHelp = arguments.contains { ["-h", "--help", "--help-hidden", "--version"].contains($0) }
        let place = Self.commands.firstIndex { $0.configuration.commandName == arguments.first }
        guard let place, !asksForHelp else {
            settings = []
            self.arguments = arguments
            warnings = []
            return
        }
        let tables = try Self.tables.get()
        let variables = ConfigurationEnvironment(environment)
        settings = try Self.settings(tables[place], arguments.dropFirst(), variables)
        let given = settings.flatMap { $0.isForParser ? $0.option.arguments(for: $0.value ?? .flag(false)) : [] }
        self.arguments = arguments.prefix(1) + given + arguments.dropFirst()
        warnings = Self.warnings(variables, tables.flatMap { $0 })
    }

    private static func warnings(_ variables: ConfigurationEnvironment, _ options: [ConfigurableOption]) -> [String] {
        variables.unknown(besides: options).map { unknown in
            "warning: nothing reads the environment variable \(unknown.variable)"
                + (unknown.nearest.map { "; did you mean \($0)?" } ?? "")
        }
    }

    private static func settings(
        _ options: [ConfigurableOption],
        _ arguments: ArraySlice<String>,
        _ variables: ConfigurationEnvironment
    ) throws -> [Setting] {
        let line = CommandLineScan(arguments, options: options)
        let file = try (line.file ?? variables["PACELINE_CONFIG"]).map { try ConfigurationFile(path: $0) }
        try file?.check(options)
        return try options.map { try setting(of: $0, line, variables, file) }
    }

    private static func setting(
        of option: ConfigurableOption,
        _ line: CommandLineScan,
        _ variables: ConfigurationEnvironment,
        _ file: ConfigurationFile?
    ) throws -> Setting {
        if let value = line.values[option.key] {
            return Setting(option: option, value: value, origin: .commandLine)
        }
        if let (value, variable) = try variables.setting(of: option) {
            return Setting(option: option, value: value, origin: .variable(variable))
        }
        // The variable that sets the level of every command; `LogOptions` reads it.
        if option.key == LogOptions.levelKey, let level = variables[LogOptions.variable] {
            return Setting(option: option, value: .single(level), origin: .variable(LogOptions.variable))
        }
        if let file, let (value, line) = try file.setting(of: option) {
            return Setting(option: option, value: value, origin: .file(file.path, line: line))
        }
        let value = option.kind == .flag ? .flag(false) : option.defaultValue.map(ConfigurableOption.Value.single)
        return Setting(option: option, value: value, origin: .fallback)
    }

    /// Whether the log is one JSON object a line.
    var logsJSON: Bool {
        settings.contains { $0.option.key == LogOptions.formatKey && $0.value == .single(LogFormat.json.rawValue) }
    }

    /// Says where the settings come from that a message is about.
    func explained(_ message: String) -> String {
        let words = Set(message.split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init))
        let origins = settings.compactMap { setting -> String? in
            let isElsewhere = setting.origin != .commandLine && setting.origin != .fallback
            guard isElsewhere, let flag = setting.option.flags.first(where: words.contains) else { return nil }
            return "\(flag) comes from \(setting.origin)"
        }
        return origins.isEmpty ? message : "\(message) (\(origins.joined(separator: "; ")))"
    }
}

extension EffectiveConfiguration.Setting {
    /// Whether the command line's parser has yet to be told.
    fileprivate var isForParser: Bool {
        switch origin {
        case .commandLine, .fallback: false
        case .variable(let name): name != LogOptions.variable
        case .file: true
        }
    }
}

/// A command that can be configured by the environment and a file.
protocol ConfiguredCommand: AsyncParsableCommand {
    var configurationOptions: ConfigurationOptions { get }
    /// Whether results are wanted as JSON.
    var isJSON: Bool { get }

    /// Finds what is wrong with the settings, as far as that shows without loading a model.
    func check() throws
}

/// Where settings come from besides the command line.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Read settings from a YAML file: long options without their dashes, such as "slots: 8", one a line. \
            Environment variables outrank it (PACELINE_SLOTS=8), and the command line outranks both.
            """,
            valueName: "file"
        )
    )
    var config: String?

    @Flag(help: "Print every setting with its origin, and exit: with status 0 if a start would accept them.")
    var check = false
}
