import PacelineCluster
import Testing

@testable import paceline

@Suite("A faulty configuration")
struct ConfigurationFaultTests {
    private static func error(_ text: String, environment: [String: String] = [:]) -> ConfigurationError? {
        #expect(throws: ConfigurationError.self) {
            let path = try TestFiles.file(Array(text.utf8), name: "s.yaml")
            _ = try EffectiveConfiguration(["verifier", "--config", path], environment: environment)
        }
    }

    @Test(
        "is refused with the line, and a suggestion for an unknown key",
        arguments: [
            ("slots: 1\n\nslotz: 2", "s.yaml, line 3: there is no setting \"slotz\"; did you mean \"slots\"?"),
            (
                "# one\ndraft_wait: 1s",
                "s.yaml, line 2: there is no setting \"draft_wait\"; did you mean \"draft-wait\"?"
            ),
            (
                "zzzzzzzzz: 1",
                "line 1: there is no setting \"zzzzzzzzz\"; keys are the long options without their dashes"
            ),
            ("config: x", "line 1: there is no setting \"config\""),
            ("connect: a:1", "there is no setting \"connect\""),
            ("slots: 1\nslots: 2", "line 2: \"slots\" was set in line 1 already"),
            ("kv-type: f16\ncache-type: int8", "line 2: \"cache-type\" was set in line 1 already"),
            ("slots 4", "line 1: \"slots 4\" has no key"), ("{slots: 4}", "has no key"), ("\"slots: 4", "has no key"),
            ("slots:\n  more: 4", "line 1: \"slots\" takes a value or a list of values"),
            ("slots:\n- a: 4", "is not valid YAML"), ("slots: [1", "is not valid YAML"),
            ("always-draft: [true]", "line 1: \"always-draft\" takes a value"),
            ("always-draft: perhaps", "line 1: it must be true or false, not \"perhaps\""),
        ] as [(String, String)]
    )
    func files(text: String, words: String) throws {
        let error = try #require(Self.error(text))
        #expect("\(error)".contains(words), "\(error)")
    }

    @Test("is refused if its file is not there, too large or none")
    func unreadable() throws {
        for path in ["/nowhere/s.yaml", "/tmp"] {
            let error = #expect(throws: ConfigurationError.self) { try ConfigurationFile(path: path) }
            #expect("\(try #require(error))".contains("\(path) cannot be read"))
        }
        let large = try TestFiles.file(Array(repeating: UInt8(ascii: "#"), count: (1 << 20) + 1), name: "large.yaml")
        #expect(throws: ConfigurationError.tooLarge(path: large)) { try ConfigurationFile(path: large) }
    }

    @Test("never traps, whatever the file holds")
    func noise() throws {
        var state: UInt64 = 7
        let pieces = [
            "slots", ":", " ", "\n", "- ", "[", "]", "{", "}", "\"", "'", "#", "&a", "*a", "|", "\t", "é", "!x", "1",
        ]
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            let options = Self.options
            guard let file = try? ConfigurationFile(path: "s.yaml", bytes: Array(text.utf8)) else { continue }
            _ = try? file.check(options)
            for option in options { _ = try? file.setting(of: option) }
        }
    }

    private static let options = [
        ConfigurableOption(keys: ["slots"], flags: ["--slots"], kind: .single, defaultValue: nil)
    ]

    @Test("refuses a variable that is neither true nor false")
    func variable() {
        let error = Self.error("", environment: ["PACELINE_ALWAYS_DRAFT": "perhaps"])
        #expect(error == .notBoolean(.variable("PACELINE_ALWAYS_DRAFT"), value: "perhaps"))
    }

    @Test("gives a warning for a variable that nothing reads, with the nearest name")
    func warnings() throws {
        let environment = [
            "PACELINE_SLOTZ": "1", "PACELINE_XYZZYXYZZY": "1", "PACELINE_TOKEN": "s", "PACELINE_LOG": "info",
            "PACELINE_MODELS": "/m", "PACELINE_CONNECT": "read by workers", "OTHER": "1", "PACELINE_EMPTY": "",
        ]
        #expect(
            try EffectiveConfiguration(["verifier"], environment: environment).warnings == [
                "warning: nothing reads the environment variable PACELINE_SLOTZ; did you mean PACELINE_SLOTS?",
                "warning: nothing reads the environment variable PACELINE_XYZZYXYZZY",
            ]
        )
    }

    @Test(
        "neither reads nor mentions what Kubernetes injects for Services",
        arguments: [
            "PACELINE_PORT", "PACELINE_PORT_7411_TCP", "PACELINE_PORT_7411_TCP_ADDR", "PACELINE_SERVICE_HOST",
            "PACELINE_SERVICE_PORT_HTTP", "PACELINE_VERIFIER_SERVICE_HOST", "PACELINE_VERIFIER_SERVICE_PORT",
            "PACELINE_VERIFIER_PORT", "PACELINE_VERIFIER_PORT_8080_TCP", "PACELINE_VERIFIER_PORT_8080_TCP_PORT",
        ]
    )
    func kubernetes(name: String) throws {
        #expect(ConfigurationEnvironment.isKubernetes(name, "tcp://10.0.0.1:7411"))
        #expect(try EffectiveConfiguration(["verifier"], environment: [name: "tcp://10.0.0.1:7411"]).warnings.isEmpty)
    }

    @Test(
        "mentions what only resembles that",
        arguments: ["PACELINE_HTTP_PORT", "PACELINE_SERVICES", "PACELINE_PORTS"]
    )
    func resembling(name: String) throws {
        #expect(try EffectiveConfiguration(["verifier"], environment: [name: "8080"]).warnings.count == 1)
    }

    @Test("suggests the name that takes the fewest changes")
    func nearest() {
        for (left, right, distance) in [("", "ab", 2), ("ab", "ba", 1), ("slots", "slotz", 1), ("abc", "abc", 0)] {
            #expect(NearestName.distance(left, right) == distance && NearestName.distance(right, left) == distance)
        }
        #expect(NearestName.of("slotss", among: ["http", "slots", "slot"]) == "slots")
        #expect(NearestName.of("quux", among: ["http"]) == nil)
        #expect(NearestName.of("x", among: []) == nil)
    }
}
