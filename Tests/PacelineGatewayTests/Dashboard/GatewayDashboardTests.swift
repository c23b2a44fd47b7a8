import Logging
import NIOCore
import NIOPosix
import PacelineCluster
import Testing

@testable import PacelineGateway
@testable import PacelineServer

/// What a viewer of a gateway is told, and when.
@Suite("The gateway's dashboard", .timeLimit(.minutes(5)))
struct GatewayDashboardTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let nobody = ReplicaAddress(Endpoint(host: "127.0.0.1", port: 1))

    /// Runs `body` with a gateway that nobody asks anything.
    private func run(_ body: (Gateway) async throws -> Void) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let gateway = try await Gateway.start(on: group.next(), logger: Self.quiet)
        do {
            try await body(gateway)
        } catch {
            try await gateway.shutdown()
            throw error
        }
        try await gateway.shutdown()
        try await group.shutdownGracefully()
    }

    private func names(_ event: DashboardEvent?) -> [String] { event?.fields?.map(\.name) ?? [] }

    private func text(_ event: DashboardEvent?) -> String {
        String(decoding: JSONValue.object(event?.fields ?? []).bytes, as: UTF8.self)
    }

    @Test func aViewerIsGreetedOnceAndGetsFiguresWhenTheyAreDue() async throws {
        try await run { gateway in
            let view = try GatewayDashboard(gateway, build: "paceline").open(for: .anonymous, watching: nil)
            #expect(names(try await view.event(includesFigures: true)) == ["hello", "state", "figures"])
            #expect(names(try await view.event(includesFigures: false)).isEmpty)
            #expect(names(try await view.event(includesFigures: true)) == ["state", "figures"])
        }
    }

    @Test func aVerifierThatComesOrGoesIsToldAtOnce() async throws {
        try await run { gateway in
            let view = try GatewayDashboard(gateway, build: "paceline").open(for: .anonymous, watching: nil)
            _ = try await view.event(includesFigures: true)
            gateway.use([Self.nobody], from: "test")
            let joined = try await view.event(includesFigures: false)
            #expect(text(joined).contains(#""address":"127.0.0.1:1","url":"http://127.0.0.1:1/""#))
            #expect(text(joined).contains(#""state":"waiting""#))
            gateway.use([], from: "test")
            var left = try await view.event(includesFigures: false)
            // In between it may have been told that the verifier does not answer.
            while names(left).isEmpty || text(left).contains("127.0.0.1:1") {
                left = try await view.event(includesFigures: false)
            }
            #expect(text(left).contains(#""replicas":[]"#))
        }
    }

    @Test func viewersLearnOfTheEnd() async throws {
        try await run { gateway in
            let view = try GatewayDashboard(gateway, build: "paceline").open(for: .anonymous, watching: "")
            gateway.beginLeaving()
            #expect(text(try await view.event(includesFigures: true)).contains(#""state":"leaving""#))
            gateway.drain()
            let last = try await view.event(includesFigures: true)
            #expect(last == nil)
        }
    }

    @Test func aGatewayHasNoRoundsToWatch() async throws {
        try await run { gateway in
            let dashboard = GatewayDashboard(gateway, build: "paceline")
            #expect(throws: APIError.self) { try dashboard.open(for: .anonymous, watching: "latest") }
        }
    }

    @Test func requestsThatMoveAreCountedWhereTheyCameFrom() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Calls.completion(#""prompt": "a", "max_tokens": 100, "stream": true"#))
        let first = try #require(driver.opened)
        driver.beginStream(first.id)
        driver.stream(first.id, MachineDriver.chunk("x", 11))
        let before = GatewayFigures(driver.machine.snapshot).landmarks
        driver.give(.attemptFailed(first.id, .disconnected))
        let entries = driver.machine.snapshot.replicas
        let lost = MachineDriver.address(first.number)
        #expect(entries.map(\.moves) == entries.map { $0.address == lost ? [.disconnected: 1] : [:] })
        #expect(GatewayFigures(driver.machine.snapshot).landmarks != before)
    }

    @Test func aVerifierThatLeftTheListShowsUntilItsRequestsHaveEnded() throws {
        var driver = MachineDriver("g", "g")
        driver.ask(1, Calls.completion(#""prompt": "a", "stream": true"#))
        let number = try #require(driver.opened).number
        driver.give(.replicas([MachineDriver.address(1 - number)]))
        let entries = driver.machine.snapshot.replicas
        #expect(entries.filter(\.isListed).map(\.address) == [MachineDriver.address(1 - number)])
        #expect(entries.count == 2)
    }
}
