import ArgumentParser
import Glibc
import PacelineCluster

/// How the two ends of a draft link authenticate each other.
struct LinkOptions: ParsableArguments {
    /// The environment variable that holds the shared token.
    ///
    /// There is no flag for the token itself: every user of the machine can read a process's arguments.
    static let tokenVariable = "PACELINE_TOKEN"

    @Option(
        name: .customLong("token-file"),
        help: ArgumentHelp(
            """
            A file with the secret that verifier and workers share, readable only by its owner. The environment \
            variable PACELINE_TOKEN may hold the secret instead.
            """,
            valueName: "file"
        )
    )
    var tokenFile: String?

    @Option(
        name: .customLong("tls-certificate"),
        help: ArgumentHelp(
            "Use TLS 1.3 with this certificate (PEM), followed by any intermediate certificates.",
            valueName: "file"
        )
    )
    var tlsCertificate: String?

    @Option(
        name: .customLong("tls-key"),
        help: ArgumentHelp("The certificate's private key (PEM), readable only by its owner.", valueName: "file")
    )
    var tlsKey: String?

    @Option(
        name: .customLong("tls-ca"),
        help: ArgumentHelp(
            "The certificate (PEM) of the authority that must have signed the other side's certificate.",
            valueName: "file"
        )
    )
    var tlsAuthority: String?

    @Option(
        name: .customLong("tls-allow-san"),
        help: ArgumentHelp(
            """
            A name to accept in the other side's certificate: DNS:…, URI:… or IP:…; may be repeated. Without it, a \
            verifier accepts every certificate of the authority, and a worker one for the host it connects to.
            """,
            valueName: "name"
        )
    )
    var tlsAllowedNames: [SubjectName] = []

    func validate() throws {
        let files = [tlsCertificate, tlsKey, tlsAuthority].compactMap { $0 }
        guard files.isEmpty || files.count == 3 else {
            throw ValidationError("--tls-certificate, --tls-key and --tls-ca go together; name all three")
        }
        guard tlsAllowedNames.isEmpty || !files.isEmpty else {
            throw ValidationError("--tls-allow-san needs --tls-certificate, --tls-key and --tls-ca")
        }
    }

    /// Mutual TLS; nil without the TLS options.
    func tls() throws -> LinkTLS? {
        guard let tlsCertificate, let tlsKey, let tlsAuthority else { return nil }
        return try LinkTLS(
            LinkTLS.Files(
                certificate: tlsCertificate,
                key: tlsKey,
                authority: tlsAuthority,
                allowedNames: tlsAllowedNames
            )
        )
    }

    /// The shared token, from the file or else from the environment; nil without either.
    func token() throws -> SharedToken? {
        if let tokenFile { return try SharedToken(file: tokenFile) }
        guard let value = getenv(Self.tokenVariable), value.pointee != 0 else { return nil }
        return try SharedToken(Array(String(cString: value).utf8), source: Self.tokenVariable)
    }
}

extension SubjectName: ExpressibleByArgument {
    init?(argument: String) {
        self.init(argument)
    }
}
