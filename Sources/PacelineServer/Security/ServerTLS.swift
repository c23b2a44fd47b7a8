import HummingbirdTLS
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// The server's certificate, read again when its files change; connections that are open keep the old one.
package struct ServerTLS: Sendable {
    private struct Pair: Sendable {
        let chain: [NIOSSLCertificateSource]
        let key: NIOSSLPrivateKeySource
    }

    private let files: ReloadedFiles<Pair>

    /// - Parameters:
    ///   - certificate: a file with the certificate, and any between it and its authority, in PEM.
    ///   - key: a file with its private key in PEM.
    ///   - logger: learns of changes.
    /// - Throws: ``ServerTLSError``.
    package init(certificate: String, key: String, logger: Logger) throws {
        files = try ReloadedFiles([certificate, key], logger: logger) {
            try Self.read(certificate: certificate, key: key)
        }
    }

    /// What reads the files again.
    var services: [any Service] { [files] }

    /// For Hummingbird.
    func channelConfiguration() throws -> TLSChannelConfiguration {
        var configuration = Self.configuration(files.current)
        configuration.sslContextCallback = { [files] _, promise in
            let pair = files.current
            var override = NIOSSLContextConfigurationOverride()
            (override.certificateChain, override.privateKey) = (pair.chain, pair.key)
            promise.succeed(override)
        }
        return TLSChannelConfiguration(tlsConfiguration: configuration)
    }

    private static func read(certificate: String, key: String) throws -> Pair {
        guard let chain = try? NIOSSLCertificate.fromPEMFile(certificate), !chain.isEmpty else {
            throw ServerTLSError.noCertificate(path: certificate)
        }
        guard let privateKey = try? NIOSSLPrivateKey(file: key, format: .pem) else {
            throw ServerTLSError.noKey(path: key)
        }
        let pair = Pair(chain: chain.map { .certificate($0) }, key: .privateKey(privateKey))
        do {
            // The only way to learn that they do not belong together.
            _ = try NIOSSLContext(configuration: configuration(pair))
        } catch {
            throw ServerTLSError.mismatch(certificate: certificate, key: key)
        }
        return pair
    }

    private static func configuration(_ pair: Pair) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: pair.chain,
            privateKey: pair.key
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .milliseconds(500)
        return configuration
    }
}

/// Why a certificate cannot be used.
package enum ServerTLSError: Error, Equatable, Sendable, CustomStringConvertible {
    case noCertificate(path: String)
    case noKey(path: String)
    case mismatch(certificate: String, key: String)

    package var description: String {
        switch self {
        case .noCertificate(let path): "\(path) cannot be read as certificates in PEM; check the path and what it holds"
        case .noKey(let path): "\(path) cannot be read as an unencrypted private key in PEM; check what it holds"
        case .mismatch(let certificate, let key):
            "the key in \(key) does not belong to the certificate in \(certificate); name the files of one pair"
        }
    }
}
