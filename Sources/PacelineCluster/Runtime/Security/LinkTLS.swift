import Glibc
import NIOCore
import NIOSSL

/// Mutual TLS for the draft link: both sides show a certificate, and both check the other's. TLS 1.3 only.
package struct LinkTLS: Sendable {
    /// Where certificates and names come from.
    package struct Files: Sendable, Equatable {
        /// This side's certificate, and any between it and the authority, in PEM.
        package var certificate: String
        /// The certificate's private key in PEM, readable by its owner alone.
        package var key: String
        /// One or more authorities, in PEM. One of them must have signed the other side's certificate.
        package var authority: String
        /// The other side's certificate must have one of these names. If empty, a verifier accepts any certificate of
        /// the authority, and a worker only one with the name or address it connects to.
        package var allowedNames: [SubjectName]

        package init(certificate: String, key: String, authority: String, allowedNames: [SubjectName] = []) {
            self.certificate = certificate
            self.key = key
            self.authority = authority
            self.allowedNames = allowedNames
        }
    }

    private let verifierContext: NIOSSLContext
    private let workerContext: NIOSSLContext
    private let allowedNames: Set<SubjectName>

    /// Reads all files.
    ///
    /// - Throws: ``LinkTLSError`` or ``PrivateFileError``.
    package init(_ files: Files) throws {
        try self.init(files, now: time(nil))
    }

    /// - Parameter now: seconds since 1970.
    init(_ files: Files, now: time_t) throws {
        let chain = try Self.certificates(in: files.certificate)
        let authorities = try Self.certificates(in: files.authority)
        let key = try Self.key(in: files.key)
        var configuration = TLSConfiguration.makeServerConfigurationWithMTLS(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key),
            trustRoots: .certificates(authorities)
        )
        configuration.minimumTLSVersion = .tlsv13
        configuration.shutdownTimeout = .milliseconds(500)
        allowedNames = Set(files.allowedNames)
        do {
            verifierContext = try NIOSSLContext(configuration: configuration)
            if files.allowedNames.isEmpty { configuration.certificateVerification = .fullVerification }
            workerContext = try NIOSSLContext(configuration: configuration)
        } catch {
            throw LinkTLSError.mismatch(certificate: files.certificate, key: files.key)
        }
        try Self.checkValidity(of: chain, in: files.certificate, now: now)
    }
}

// MARK: Connections

extension LinkTLS {
    func verifierHandler() -> NIOSSLHandler {
        NIOSSLServerHandler(context: verifierContext)
    }

    /// - Parameter host: the name or address that the verifier's certificate must have.
    /// - Throws: `NIOSSLExtraError` for a host whose name no certificate can have.
    func workerHandler(for host: String) throws -> NIOSSLHandler {
        // NIOSSL compares an address with the one it is connected to.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: workerContext, serverHostname: isAddress ? nil : host)
    }

    /// Why a peer is refused although the authority has signed its certificate; nil if it is not.
    func objection(to certificate: NIOSSLCertificate?) -> String? {
        guard !allowedNames.isEmpty else { return nil }
        let names = certificate.map(SubjectName.names) ?? []
        guard allowedNames.isDisjoint(with: names) else { return nil }
        let shown = names.isEmpty ? "no name" : names.prefix(4).map(\.description).joined(separator: ", ")
        return "the certificate that was shown (\(shown)) has no name that --tls-allow-san allows"
    }
}

// MARK: Files

extension LinkTLS {
    private static func certificates(in path: String) throws -> [NIOSSLCertificate] {
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMFile(path)
        } catch {
            throw LinkTLSError.noCertificate(path: path)
        }
        guard !certificates.isEmpty else { throw LinkTLSError.noCertificate(path: path) }
        return certificates
    }

    private static func key(in path: String) throws -> NIOSSLPrivateKey {
        let bytes = try PrivateFile.contents(of: path, limit: 1 << 16)
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw LinkTLSError.noKey(path: path)
        }
    }

    /// Finds at the start what every other side would complain about.
    private static func checkValidity(of chain: [NIOSSLCertificate], in path: String, now: time_t) throws {
        for certificate in chain {
            if let complaint = certificate.complaint(now: now) {
                throw LinkTLSError.invalid(path: path, complaint: complaint)
            }
        }
    }
}

/// Why certificates could not be used.
package enum LinkTLSError: Error, Equatable, Sendable {
    case noCertificate(path: String)
    case noKey(path: String)
    case mismatch(certificate: String, key: String)
    /// It has expired, or is not valid yet.
    case invalid(path: String, complaint: String)
}

extension LinkTLSError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .noCertificate(let path): "\(path) cannot be read as certificates in PEM; check the path and what it holds"
        case .noKey(let path): "\(path) cannot be read as an unencrypted private key in PEM; check what it holds"
        case .mismatch(let certificate, let key):
            "the key in \(key) does not belong to the certificate in \(certificate)"
        case .invalid(let path, let complaint): "the certificate in \(path) \(complaint)"
        }
    }
}
