import ArgumentParser
import Testing

@testable import paceline

/// Flag > environment > file > default, for every kind of option.
@Suite("The configuration of a command")
struct PrecedenceTests {
    private static func file(_ text: String) throws -> String {
        try TestFiles.file(Array(text.utf8), name: "settings.yaml")
    }

    private static func configuration(
        _ line: [String] = [],
        _ environment: [String: String] = [:],
        file text: String? = nil,
        command: String = "verifier"
    ) throws -> EffectiveConfiguration {
        let options = try text.map { ["--config", try file($0)] } ?? []
        return try EffectiveConfiguration([command] + line + options, environment: environment)
    }

    private static func setting(
        _ key: String,
        _ configuration: EffectiveConfiguration
    ) throws -> EffectiveConfiguration.Setting {
        try #require(configuration.settings.first { $0.option.keys.contains(key) })
    }

    private static func parsed(_ configuration: EffectiveConfiguration) throws -> VerifierCommand {
        try #require(try Paceline.parseAsRoot(configuration.arguments) as? VerifierCommand)
    }

    @Test("takes each setting from the command line, else the environment, else the file, else the default")
    func precedence() throws {
        let (flag, variable, file) = (["--slots", "2"], ["PACELINE_SLOTS": "3"], "slots: 5\n")
        for hasFlag in [true, false] {
            for hasVariable in [true, false] {
                for hasFile in [true, false] {
                    let configuration = try Self.configuration(
                        ["-m", "x"] + (hasFlag ? flag : []),
                        hasVariable ? variable : [:],
                        file: hasFile ? file : nil
                    )
                    let expected = hasFlag ? 2 : hasVariable ? 3 : hasFile ? 5 : 4
                    #expect(try Self.parsed(configuration).scheduling.slots == expected)
                    let origin = try Self.setting("slots", configuration).origin
                    switch (hasFlag, hasVariable, hasFile) {
                    case (true, _, _): #expect(origin == .commandLine)
                    case (_, true, _): #expect(origin == .variable("PACELINE_SLOTS"))
                    case (_, _, true): #expect("\(origin)".hasSuffix("/settings.yaml, line 1"))
                    default: #expect(origin == .fallback)
                    }
                }
            }
        }
    }

    @Test(
        "reads every kind of value from a file",
        arguments: [
            ("grace: 2.5s", ["--grace=2.5s"]), ("'grace': \"2s\" # why", ["--grace=2s"]),
            ("always-draft: true", ["--always-draft"]), ("always-draft: yes", ["--always-draft"]),
            ("always-draft: false", []), ("grace:", []), ("grace: ~", []), ("---\n# only this\n", []), ("", []),
            ("listen: 0.0.0.0:7411", ["--listen=0.0.0.0:7411"]), ("cache-type: int8", ["--kv-type=int8"]),
            ("tls-allow-san: DNS:a", ["--tls-allow-san=DNS:a"]),
            ("tls-allow-san: [\"DNS:a\", \"DNS:b\"]", ["--tls-allow-san=DNS:a", "--tls-allow-san=DNS:b"]),
            (
                "tls-allow-san:\n- DNS:a\n- DNS:b\ngrace: 1s\r\n",
                ["--grace=1s", "--tls-allow-san=DNS:a", "--tls-allow-san=DNS:b"]
            ),
        ] as [(String, [String])]
    )
    func values(text: String, arguments: [String]) throws {
        let configuration = try Self.configuration(file: text)
        #expect(configuration.arguments.dropFirst().dropLast(2).sorted() == arguments.sorted())
    }

    @Test("reads every kind of value from the environment")
    func variables() throws {
        let configuration = try Self.configuration(
            [],
            [
                "PACELINE_ALWAYS_DRAFT": "TRUE", "PACELINE_TLS_ALLOW_SAN": "DNS:a, DNS:b", "PACELINE_KV_TYPE": "int8",
                "PACELINE_GRACE": "", "PACELINE_MODEL": "-x=y",
            ]
        )
        #expect(
            configuration.arguments == [
                "verifier", "--model=-x=y", "--always-draft", "--tls-allow-san=DNS:a", "--tls-allow-san=DNS:b",
                "--kv-type=int8",
            ]
        )
        #expect(configuration.warnings.isEmpty)
    }

    @Test("lets a variable switch off what the file switches on, and a flag's list replace the file's")
    func replaced() throws {
        let off = try Self.configuration([], ["PACELINE_ALWAYS_DRAFT": "0"], file: "always-draft: true")
        #expect(!off.arguments.contains("--always-draft"))
        let line = ["-md", "ngram", "-md=suffix", "--connect", "a:1"]
        let list = try Self.configuration(
            line,
            [:],
            file: "model-draft: [x, y]\nconnect: [b:1, c:2]",
            command: "worker"
        )
        #expect(list.arguments.filter { $0.contains("model-draft") || $0.contains("connect") } == ["--connect"])
        #expect(try Self.setting("model-draft", list).value == .list(["ngram", "suffix"]))
        let joined = try Self.configuration([], [:], file: "connect: [b:1, c:2]", command: "worker")
        #expect(joined.arguments.contains("--connect=b:1,c:2"))
    }

    @Test("finds the file by --config, else PACELINE_CONFIG, and does without for other commands and for help")
    func whichFile() throws {
        let (one, two) = (try Self.file("slots: 1"), try Self.file("slots: 2"))
        let both = try EffectiveConfiguration(
            ["verifier", "--config=\(one)"],
            environment: ["PACELINE_CONFIG": two]
        )
        #expect(try Self.setting("slots", both).value == .single("1"))
        let variable = try EffectiveConfiguration(["verifier"], environment: ["PACELINE_CONFIG": two])
        #expect(try Self.setting("slots", variable).value == .single("2"))
        for line in [["generate", "-m", "x"], ["verifier", "--help"], [], ["--version"]] {
            let none = try EffectiveConfiguration(line, environment: ["PACELINE_CONFIG": "/nowhere"])
            #expect(none.arguments == line && none.settings.isEmpty)
        }
    }

    @Test("says where a refused value comes from")
    func origins() throws {
        let configuration = try Self.configuration(["-m", "x"], ["PACELINE_GRACE": "1h"], file: "\nslots: 0\n")
        let error = #expect(throws: (any Error).self) { try Self.parsed(configuration) }
        let message = configuration.explained(Paceline.message(for: try #require(error)))
        #expect(
            message.contains("'1h' is invalid for '--grace") && message.hasSuffix("(--grace comes from PACELINE_GRACE)")
        )
        let slots = configuration.explained("--slots must be from 1 to 256, not 0")
        #expect(slots.hasPrefix("--slots must") && slots.hasSuffix("settings.yaml, line 2)"))
        #expect(configuration.explained("--model is missing") == "--model is missing")
    }

    @Test("knows every option of both commands but those that ask for something else")
    func table() throws {
        for command in EffectiveConfiguration.commands {
            let options = try ConfigurableOption.all(of: command)
            #expect(options.count > 10)
            let names = options.flatMap(\.keys)
            #expect(Set(names).count == names.count)
            for name in ["help", "version", "config", "check"] { #expect(!names.contains(name)) }
            // No option may have a name that Kubernetes takes.
            for variable in options.flatMap(\.variables) {
                #expect(!ConfigurationEnvironment.isKubernetes(variable, "tcp://10.0.0.1:1"), "\(variable)")
            }
        }
    }
}
