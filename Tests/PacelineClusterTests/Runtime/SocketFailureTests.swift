import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import PacelineCluster

@Suite("What a user reads of a socket", .timeLimit(.minutes(5)))
struct SocketFailureTests {
    private static let address = "10.1.2.3:7411"

    /// What the system says, and the sentence about a connection that could not be made.
    private static let connectingTable: [(code: Int32, sentence: String)] = [
        (ECONNREFUSED, "nothing listens at 10.1.2.3:7411"),
        (ENETUNREACH, "no route leads to 10.1.2.3:7411; check the address and the network"),
        (EHOSTUNREACH, "no route leads to 10.1.2.3:7411; check the address and the network"),
        (ETIMEDOUT, "10.1.2.3:7411 does not answer; check the address and the firewalls on the way"),
        (EMFILE, "cannot connect to 10.1.2.3:7411: no more files may be opened; raise the limit (ulimit -n)"),
        (ENFILE, "cannot connect to 10.1.2.3:7411: no more files may be opened; raise the limit (ulimit -n)"),
        (EPERM, "the system does not let this process connect to 10.1.2.3:7411; check the firewall's rules"),
        (EACCES, "the system does not let this process connect to 10.1.2.3:7411; check the firewall's rules"),
        (EADDRNOTAVAIL, "no local port is left to connect to 10.1.2.3:7411 from; close other connections first"),
        (ECONNRESET, "10.1.2.3:7411 ended the connection at once; check what listens there"),
        (ENOBUFS, "cannot connect to 10.1.2.3:7411: the system reports error 105 (No buffer space available)"),
    ]

    @Test("names the address and the way out, whatever the system says", arguments: connectingTable)
    func connecting(code: Int32, sentence: String) {
        let failure = SocketFailure(IOError(errnoCode: code, reason: "connect(descriptor:addr:size:)"))
        #expect(failure.connecting(to: Self.address) == sentence)
    }

    /// What the system says, and the end of "the connection broke: …".
    private static let brokenTable: [(code: Int32, words: String)] = [
        (ECONNRESET, "the other side ended it without a farewell"),
        (EPIPE, "the other side ended it without a farewell"),
        (ETIMEDOUT, "the other side does not answer"), (EHOSTUNREACH, "no route leads to the other side"),
        (EMFILE, "no more files may be opened; raise the limit (ulimit -n)"),
        (EIO, "the system reports error 5 (Input/output error)"),
    ]

    @Test("says in plain words how a connection broke", arguments: brokenTable)
    func broken(code: Int32, words: String) {
        #expect("\(SocketFailure(IOError(errnoCode: code, reason: "read(descriptor:pointer:size:)")))" == words)
    }

    private static let listeningTable: [(code: Int32, error: ShellError)] = [
        (EADDRINUSE, .addressInUse(address: address)), (EADDRNOTAVAIL, .foreignAddress(address: address)),
        (EACCES, .listeningNotPermitted(address: address)),
        (EMFILE, .cannotListen(address: address, reason: "no more files may be opened; raise the limit (ulimit -n)")),
    ]

    @Test("tells why a process cannot listen", arguments: listeningTable)
    func listening(code: Int32, error: ShellError) throws {
        let endpoint = try Endpoint(Self.address)
        #expect(
            ShellError(listeningOn: endpoint, IOError(errnoCode: code, reason: "bind(descriptor:ptr:bytes:)")) == error
        )
        #expect(!"\(error)".contains("bind"))
    }

    // MARK: With real sockets

    private static func failure(connectingTo host: String, _ port: Int) async -> SocketFailure? {
        do {
            let group = MultiThreadedEventLoopGroup.singleton
            try await LinkBootstrap.client(on: group.next()).connect(host: host, port: port).get().close()
            return nil
        } catch {
            return SocketFailure(error)
        }
    }

    @Test("finds a port on which nobody listens, under the host's name too", arguments: ["127.0.0.1", "localhost"])
    func refused(host: String) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let listener = try await LinkBootstrap.server(on: group).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        try await listener.close()
        #expect(await Self.failure(connectingTo: host, port) == .refused)
    }

    @Test("finds a host that nobody knows")
    func unknownHost() async {
        #expect(await Self.failure(connectingTo: "no-such-host.invalid", 7411) == .unknownHost)
        #expect(throws: ShellError.unknownHost(address: "no-such-host.invalid:7411")) {
            try Endpoint(host: "no-such-host.invalid", port: 7411).resolved()
        }
    }

    @Test("finds an address that is another machine's, where a process is to listen")
    func foreignAddress() async throws {
        // TEST-NET-1 of RFC 5737, which no machine has.
        let endpoint = Endpoint(host: "192.0.2.1", port: 7411)
        let error = await #expect(throws: (any Error).self) {
            try await LinkBootstrap.server(on: MultiThreadedEventLoopGroup.singleton)
                .bind(host: endpoint.host, port: endpoint.port)
                .get()
        }
        #expect(ShellError(listeningOn: endpoint, try #require(error)) == .foreignAddress(address: "192.0.2.1:7411"))
    }

    // MARK: In a worker's log

    private static let retriesTable: [(wait: Duration?, words: String)] = [
        (.milliseconds(93), "trying again in 0.1 s"), (.milliseconds(3), "trying again in 0.1 s"),
        (.milliseconds(987), "trying again in 1 s"), (.milliseconds(1240), "trying again in 1.2 s"),
        (.seconds(5), "trying again in 5 s"), (nil, "not trying again"),
    ]

    @Test("says when a worker tries again", arguments: retriesTable)
    func retry(wait: Duration?, words: String) throws {
        let endpoint = try Endpoint("127.0.0.1:7411")
        let note = WorkerNote.linkClosed(endpoint: endpoint, .unreachable(.refused), retry: wait)
        #expect(note.description == "nothing listens at 127.0.0.1:7411; \(words)")
        let reset = LinkFault.disconnected(reason: "\(SocketFailure.reset)")
        let broken = WorkerNote.linkClosed(endpoint: endpoint, reset, retry: wait)
        #expect(
            broken.description
                == "lost 127.0.0.1:7411: the connection broke: the other side ended it without a farewell; \(words)"
        )
    }

    // MARK: TLS

    private static let tlsTable: [(code: String, sentence: String)] = [
        ("WRONG_VERSION_NUMBER", "the other side does not speak TLS"),
        ("NO_SHARED_CIPHER", "both sides know no TLS cipher in common"),
        ("SSLV3_ALERT_BAD_RECORD_MAC", "bytes were changed on their way"),
        ("TLSV1_ALERT_INTERNAL_ERROR", "the other side's TLS failed; look at its log"),
        ("CLIENTHELLO_TLSEXT", "the TLS handshake failed (CLIENTHELLO_TLSEXT); check the certificates of both sides"),
    ]

    private struct Reported: Error, CustomStringConvertible {
        var description: String
    }

    @Test("says in plain words why TLS failed", arguments: tlsTable)
    func tls(code: String, sentence: String) {
        let error = Reported(description: "handshakeFailed([error:100000f7:SSL routines:OPENSSL_internal:\(code)])")
        #expect(TLSFailure(error, certificate: nil, now: 0) == .broken(sentence))
    }

    @Test("does not blame TLS for a connection that broke under it")
    func brokenUnderTLS() {
        let error = IOError(errnoCode: ECONNRESET, reason: "read(descriptor:pointer:size:)")
        #expect(
            TLSFailure(error, certificate: nil, now: 0) == .broken("the other side ended it without a farewell")
        )
        #expect(TLSFailure(NIOSSLError.uncleanShutdown, certificate: nil, now: 0) == .broken(nil))
    }
}
