import Testing

extension ClusterSuite {
    /// Holes that were found in other systems, and the rules that keep them out of the commands.
    /// `Protocols/SECURITY.md` lists them.
    @Suite("Security references: the commands", .timeLimit(.minutes(2)))
    struct SecurityReferenceTests {
        @Test(
            "CVE-2023-48022, CVE-2025-34351, CVE-2025-62593: no command lets other machines in unless it is told how",
            arguments: [
                ["verifier", "-m", TestModels.tiny, "--http", "127.0.0.1:0", "--listen", "0.0.0.0:0"],
                ["verifier", "-m", TestModels.tiny, "--listen", "127.0.0.1:0", "--http", "0.0.0.0:0"],
                ["verifier", "-m", TestModels.tiny, "--listen", "127.0.0.1:0", "--http", "[::]:0"],
                ["gateway", "--verifier", "127.0.0.1:1", "--http", "0.0.0.0:0"],
                ["chaos", "serve", "--host", "0.0.0.0", "--port", "0"],
                ["chaos", "relay", "--listen", "0.0.0.0:0", "--connect", "127.0.0.1:1"],
            ]
        )
        func openAddresses(arguments: [String]) async throws {
            let result = try await CommandResult.of(arguments)
            #expect(result.status != 0 && result.status < 128, "\(result)")
            #expect(result.errors.contains("other machines"), "\(result.errors)")
        }
    }
}
