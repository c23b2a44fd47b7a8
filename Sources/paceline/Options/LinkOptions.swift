import ArgumentParser
import Glibc
import PacelineCluster

/// Who may be at the other end of the draft link.
struct LinkOptions: ParsableArguments {
    /// The environment variable that holds the shared token. There is no flag for the token itself: everybody on the
    /// machine can read a process's arguments.
    static let tokenVariable = "PACELINE_TOKEN"

    @Option(
        name: .customLong("token-file"),
        help: ArgumentHelp(
            """
            A file with the secret that verifier and workers share, readable by its owner alone. The secret itself may \
            be in PACELINE_TOKEN in the environment instead.
            """,
            valueName: "file"
        )
    )
    var tokenFile: String?

    @Option(
        name: .customLong("tls-certificate"),
        help: ArgumentHelp(
            "Talk TLS 1.3 and show this certificate, in PEM, with any between it and its authority.",
            valueName: "file"
        )
    )
    var tlsCertificate: String?

    @Option(
        name: .customLong("tls-key"),
        help: ArgumentHelp("The certificate's key in PEM, readable by its owner alone.", valueName: "file")
    )
    var tlsKey: String?

    @Option(
        name: .customLong("tls-ca"),
        help: ArgumentHelp(
            "The authority, in PEM, that must have signed the other side's certificate.",
            valueName: "file"
        )
    )
    var tlsAuthority: String?

    @Option(
        name: .customLong("tls-allow-san"),
        help: ArgumentHelp(
            """
            A name that the other side's certificate may have: DNS:…, URI:… or IP:…; repeat it for more. Without \
            any, a verifier takes every certificate of the authority, and a worker one for the host it connects to.
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

    /// Mutual TLS; nil if it was not asked for.
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

    /// The shared token; nil if there is none.
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
