import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import PacelineChaos
import PacelineCluster
import PacelineServer

/// Which server the commands that change proxies talk to.
struct ChaosServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The API of paceline chaos serve or of Toxiproxy (default: TOXIPROXY_URL, or http://127.0.0.1:8474).",
            valueName: "url"
        )
    )
    var host: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    var client: ChaosClient {
        let url = host ?? ProcessInfo.processInfo.environment["TOXIPROXY_URL"] ?? "http://127.0.0.1:8474"
        return ChaosClient(url: url.contains("://") ? url : "http://\(url)")
    }

    /// Prints the answer as JSON, or else a sentence.
    func tell(_ answer: some Encodable, _ sentence: String) throws {
        try json ? StandardOutput.json(answer) : StandardOutput.write(sentence + "\n")
    }
}

/// A client of Toxiproxy's API.
struct ChaosClient: Sendable {
    private static let answerLimit = 1 << 24

    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        // Who cannot connect wants to know now.
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, configuration: configuration)
    }()

    let url: String

    func proxies() async throws -> [ProxyBody] {
        let all: [String: ProxyBody] = try await ask(.GET, ["proxies"])
        return all.values.sorted { $0.name < $1.name }
    }

    func proxy(_ name: String) async throws -> ProxyBody {
        try await ask(.GET, ["proxies", name])
    }

    /// Sends a request without a body, or with a JSON one, and reads a JSON answer.
    func ask<Answer: Decodable>(
        _ method: HTTPMethod,
        _ path: [String],
        _ body: (some Encodable)? = nil as String?
    ) async throws -> Answer {
        try decode(try await send(method, path, body.map { try JSON.encode($0) }))
    }

    /// Sends a request whose answer has no body.
    func tell(_ method: HTTPMethod, _ path: [String]) async throws {
        _ = try await send(method, path, nil)
    }

    /// Sends bytes as they are.
    func post<Answer: Decodable>(_ bytes: [UInt8], _ path: [String]) async throws -> Answer {
        try decode(try await send(.POST, path, bytes))
    }

    private func decode<Answer: Decodable>(_ bytes: ByteBuffer) throws -> Answer {
        do {
            return try JSON.decode(Answer.self, from: bytes)
        } catch {
            throw ChaosClientError.malformed(url)
        }
    }

    private func send(_ method: HTTPMethod, _ path: [String], _ body: [UInt8]?) async throws -> ByteBuffer {
        let allowed = CharacterSet.urlPathAllowed.subtracting(CharacterSet(charactersIn: "/"))
        let parts = path.map { $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? $0 }
        var request = HTTPClientRequest(url: url + "/" + parts.joined(separator: "/"))
        request.method = method
        request.headers.add(name: "user-agent", value: "paceline/\(PacelineVersion.current)")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let (status, bytes) = try await exchange(request)
        guard (200..<300).contains(status.code) else {
            guard let refusal = try? JSON.decode(ChaosErrorBody.self, from: bytes) else {
                throw ChaosClientError.status(url, Int(status.code))
            }
            throw ChaosClientError.refused(refusal.error)
        }
        return bytes
    }

    private func exchange(_ request: HTTPClientRequest) async throws -> (HTTPResponseStatus, ByteBuffer) {
        do {
            let response = try await Self.http.execute(request, timeout: .seconds(30))
            return (response.status, try await response.body.collect(upTo: Self.answerLimit))
        } catch let error as NIOConnectionError {
            throw ChaosClientError.unreachable(SocketFailure(error).connecting(to: url))
        } catch let error as IOError {
            // Of an address that needs no look-up.
            throw ChaosClientError.unreachable(SocketFailure(error).connecting(to: url))
        } catch let error as HTTPClientError where error == .invalidURL || error == .emptyHost || error == .emptyScheme
        {
            throw ValidationError("--host must be a URL such as http://127.0.0.1:8474, not \(url)")
        } catch  where error is HTTPClientError || error is NIOTooManyBytesError {
            throw ChaosClientError.malformed(url)
        }
    }
}

/// Why the server did not do what it was asked to.
enum ChaosClientError: Error, CustomStringConvertible {
    case unreachable(String)
    case refused(String)
    case status(String, Int)
    case malformed(String)

    var description: String {
        switch self {
        case .unreachable(let failure): "\(failure); start paceline chaos serve, or name its address with --host"
        case .refused(let message): message
        case .status(let url, let status): "\(url) answers with status \(status), which is not Toxiproxy's way"
        case .malformed(let url): "\(url) does not answer as Toxiproxy's API does; check the address"
        }
    }
}
