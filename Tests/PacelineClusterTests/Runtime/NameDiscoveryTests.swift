import PacelineCluster
import Synchronization
import Testing

@Suite("Names of groups", .timeLimit(.minutes(1)))
struct NameDiscoveryTests {
    @Test(arguments: [("dns:verifiers:8080", "verifiers:8080"), ("dns:a.b.example.:1", "a.b.example.:1")])
    func aNameComesWithItsPort(argument: String, name: String) throws {
        #expect(try NameDiscovery(argument: argument).name == Endpoint(name))
        #expect("\(try NameDiscovery(argument: argument))" == argument)
    }

    @Test func theUsualPortServesANameWithoutOne() throws {
        #expect(try NameDiscovery(argument: "dns:verifiers", port: 7411).name == Endpoint("verifiers:7411"))
        #expect(try NameDiscovery(argument: "dns:verifiers:1", port: 7411).name == Endpoint("verifiers:1"))
    }

    @Test(arguments: ["verifiers:8080", "dns:", "dns:a", "dns:a:0", "dns:a:x", "dns::8080", "dns:a:b:1", "DNS:a:1"])
    func anythingElseIsRefusedInWords(argument: String) {
        #expect(throws: ShellError.invalidDiscovery(argument)) { try NameDiscovery(argument: argument) }
    }

    @Test func allAddressesOfANameAreFoundAndOneInFiguresIsItsOwn() async throws {
        #expect(try await NameDiscovery(argument: "dns:127.0.0.1:80").addresses() == [Endpoint("127.0.0.1:80")])
        #expect(try await NameDiscovery(argument: "dns:localhost:80").addresses().contains(Endpoint("127.0.0.1:80")))
    }

    @Test func watchingTellsTheFirstAnswerOnceAndEndsWithItsTask() async throws {
        let answers = Mutex<[Result<[Endpoint], ShellError>]>([])
        let discovery = try NameDiscovery(argument: "dns:127.0.0.1:80")
        let (asked, source) = AsyncStream.makeStream(of: Void.self)
        let watch = Task {
            await discovery.watch(every: .seconds(9), on: CountingClock { source.yield() }) { answer in
                answers.withLock { $0.append(answer) }
            }
        }
        var questions = 0
        for await _ in asked {
            questions += 1
            if questions == 5 { break }
        }
        watch.cancel()
        await watch.value
        #expect(try answers.withLock { $0 } == [.success([Endpoint("127.0.0.1:80")])])
    }
}

/// A clock on which every wait is over at once, and told.
private struct CountingClock: Clock {
    let onWait: @Sendable () -> Void

    var now: ContinuousClock.Instant { .now }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        onWait()
        try Task.checkCancellation()
    }
}
