import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import PacelineCluster
import PacelineMetrics
import PacelineServer

/// Asks a verifier or a gateway how it is doing.
struct TopClient: Sendable {
    /// The most that is read of an answer.
    private static let answerLimit = 16 << 20

    private let address: Endpoint
    private let key: String?
    private let http: HTTPClient
    private let start = ContinuousClock.now

    init(_ address: Endpoint, key: String?, http: HTTPClient) {
        (self.address, self.key, self.http) = (address, key, http)
    }

    static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    /// One reading. Workers and slots are left out if the server has none or does not show them.
    ///
    /// - Throws: ``TopError`` if there are no metrics.
    func reading() async throws -> TopReading {
        guard let text = try await ask("/metrics") else { throw TopError.noMetrics(address) }
        let metrics: MetricSamples
        do throws(MalformedMetrics) {
            metrics = try MetricSamples(String(buffer: text))
        } catch {
            throw TopError.malformed(address, error)
        }
        let time = ContinuousClock.now - start
        var reading = TopReading(time: time, metrics: metrics)
        // A gateway would hand the questions to some verifier.
        guard !reading.isOfGateway else { return reading }
        reading.workers = try await ask("/v1/workers").flatMap { try? JSON.decode(WorkerList.self, from: $0) }?.data
        reading.slots = try await ask("/slots").flatMap { try? JSON.decode([Slot].self, from: $0) }?.count
        return reading
    }

    private struct Slot: Decodable {
        var id: Int
    }

    /// - Returns: nil for another status than 200.
    private func ask(_ path: String) async throws -> ByteBuffer? {
        var request = HTTPClientRequest(url: "http://\(address)\(path)")
        if let key { request.headers.add(name: "authorization", value: "Bearer \(key)") }
        do {
            let response = try await http.execute(request, timeout: .seconds(5))
            let body = try await response.body.collect(upTo: Self.answerLimit)
            return response.status == .ok ? body : nil
        } catch  where error is NIOConnectionError || error is IOError || error is ChannelError {
            throw TopError.unreachable(address, SocketFailure(error).connecting(to: "\(address)"))
        } catch let error as HTTPClientError {
            try Task.checkCancellation()
            throw TopError.unreachable(address, "\(error)")
        }
    }
}

/// Why there is nothing to show.
enum TopError: Error, CustomStringConvertible {
    case unreachable(Endpoint, String)
    case noMetrics(Endpoint)
    case malformed(Endpoint, MalformedMetrics)

    var description: String {
        switch self {
        case .unreachable(let address, let reason):
            "\(address) does not answer (\(reason)); name the HTTP address of a verifier or gateway that runs"
        case .noMetrics(let address), .malformed(let address, _):
            "\(address) has no metrics in Prometheus' format; name the HTTP address of a verifier or gateway"
        }
    }
}
