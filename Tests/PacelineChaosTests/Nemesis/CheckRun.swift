import AsyncHTTPClient
import NIOPosix

@testable import PacelineChaos

/// One try of a check.
enum CheckRun {
    static func ask(_ check: ServiceCheck) async throws -> String? {
        let http = HTTPClient(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
        let probe = CheckProbe(check: check, http: http, group: MultiThreadedEventLoopGroup.singleton)
        let failure = await probe.ask()
        try await http.shutdown()
        return failure
    }
}
