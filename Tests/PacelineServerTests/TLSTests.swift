import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import PacelineCluster
import Testing

@testable import PacelineServer

@Suite("HTTPS", .timeLimit(.minutes(1)))
struct TLSTests {
    /// A certificate that signs itself, and its key.
    private struct Pair {
        let certificate: String
        let key: String

        init() throws {
            let stem = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)").path
            (certificate, key) = (stem + ".pem", stem + "-key.pem")
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/openssl")
            process.arguments =
                ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
                + ["-subj", "/CN=localhost", "-keyout", key, "-out", certificate]
            process.standardError = Pipe()
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
        }

        /// Takes the place of another pair's files.
        func replace(_ other: Pair) throws {
            for (mine, theirs) in [(certificate, other.certificate), (key, other.key)] {
                try Data(contentsOf: URL(filePath: mine)).write(to: URL(filePath: theirs))
            }
        }
    }

    /// Asks over a new connection, and trusts only `certificate`.
    private static func get(_ path: String, _ address: Endpoint, trusting certificate: String) async throws -> String {
        var configuration = HTTPClient.Configuration()
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(certificate))
        tls.certificateVerification = .noHostnameVerification
        configuration.tlsConfiguration = tls
        configuration.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
        do {
            let request = HTTPClientRequest(url: "https://\(address)\(path)")
            let response = try await client.execute(request, timeout: .seconds(20))
            let body = try await String(buffer: response.body.collect(upTo: 1 << 20))
            try await client.shutdown()
            return "\(response.status.code) \(body)"
        } catch {
            try await client.shutdown()
            throw error
        }
    }

    @Test("A server with a certificate talks TLS only, and new connections get a new certificate")
    func reloaded() async throws {
        let (first, second) = (try Pair(), try Pair())
        let old = try Data(contentsOf: URL(filePath: first.certificate))
        let log = ServerLog()
        var configuration = HTTPServerConfiguration()
        configuration.tls = try ServerTLS(certificate: first.certificate, key: first.key, logger: log.logger)
        try await ServerHarness.run(.hello, configuration: configuration) { address in
            #expect(try await Self.get("/health", address, trusting: first.certificate) == #"200 {"status":"ok"}"#)
            await #expect(throws: (any Error).self) {
                try await Self.get("/health", address, trusting: second.certificate)
            }
            #expect(try await !RawClient(address).exchange(RawClient.get("/health")).hasPrefix("HTTP/1.1 200"))
            try second.replace(first)
            while (try? await Self.get("/health", address, trusting: second.certificate)) == nil {
                try await Task.sleep(for: .milliseconds(50))
            }
            let copy = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
            try old.write(to: copy)
            await #expect(throws: (any Error).self) {
                try await Self.get("/health", address, trusting: copy.path)
            }
            // While one file of a pair is new and the other old, the last pair stays in use.
            try old.write(to: URL(filePath: first.certificate))
            while !log.lines.contains(where: { $0.contains("does not belong to") }) {
                #expect(try await Self.get("/ready", address, trusting: second.certificate).hasPrefix("200 "))
                try await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    @Test("Certificates that cannot be used are refused at the start, in words")
    func refused() throws {
        let (first, second) = (try Pair(), try Pair())
        let logger = ServerLog().logger
        #expect(throws: ServerTLSError.noCertificate(path: "/none")) {
            try ServerTLS(certificate: "/none", key: first.key, logger: logger)
        }
        #expect(throws: ServerTLSError.noKey(path: first.certificate)) {
            try ServerTLS(certificate: first.certificate, key: first.certificate, logger: logger)
        }
        #expect(throws: ServerTLSError.mismatch(certificate: first.certificate, key: second.key)) {
            try ServerTLS(certificate: first.certificate, key: second.key, logger: logger)
        }
    }
}
