import PacelineSimulation
import PacelineSpeculation
import Testing

@testable import PacelineCluster

@Suite("Requests of several tenants")
struct TenancyTests {
    private static func request(
        _ tenant: String = "",
        salt: String? = nil,
        prompt: [Token] = Array(TransformerEngineTests.text.prefix(200)),
        maximum: Int = 4
    ) -> GenerationRequest {
        var request = GenerationRequest(prompt: prompt, sampling: .greedy, maximumTokens: maximum)
        request.tenant = Tenant(rawValue: tenant)
        request.cacheSalt = salt
        return request
    }

    private static func cached(_ requests: [GenerationRequest], isShared: Bool) throws -> [Int?] {
        var configuration = VerifierConfiguration()
        configuration.sharesPrefixesBetweenTenants = isShared
        let cluster = try MachineCluster(
            configuration,
            target: .tiny(),
            engine: try TransformerEngineTests.engine(threads: 1)
        )
        let answers = requests.map(cluster.answer)
        #expect(Set(answers.map(\.tokens)).count == 1)
        return answers.map { $0.summary?.cachedTokens }
    }

    @Test("share no prefix unless the verifier allows it, and never where their salts differ")
    func prefixes() throws {
        let requests = [
            Self.request(), Self.request(), Self.request("a"), Self.request("a"), Self.request("a", salt: "s"),
            Self.request("a", salt: "s"), Self.request("b", salt: "s"), Self.request("b"),
        ]
        #expect(try Self.cached(requests, isShared: false) == [0, 192, 0, 192, 0, 192, 0, 0])
        #expect(try Self.cached(requests, isShared: true) == [0, 192, 192, 192, 0, 192, 192, 192])
    }

    @Test("wait for one slot at most behind a hundred of another tenant", arguments: [1, 4])
    func fairness(slots: Int) throws {
        var configuration = VerifierConfiguration()
        configuration.slots = slots
        let cluster = try MachineCluster(configuration)
        let many = (0..<slots + 100).map { _ in cluster.submit(Self.request("a", prompt: [1], maximum: 3)) }
        for _ in 0..<10 { cluster.advance() }
        let begun = cluster.admissions.count
        let other = cluster.submit(Self.request("b", prompt: [2], maximum: 3))
        cluster.run()
        let place = try #require(cluster.admissions.firstIndex(of: other))
        // Those that had a slot are not opened again; one more may come before.
        #expect(place <= begun + slots + 1)
        #expect((many + [other]).allSatisfy { cluster.answers[$0]?.summary?.reason == .length })
        #expect(cluster.admissions.count == slots + 101)
    }

    @Test("are turned away when their own places or all places in the queue are taken")
    func bounds() throws {
        var configuration = VerifierConfiguration()
        configuration.slots = 1
        configuration.queueLimit = 5
        configuration.queueLimitPerTenant = 3
        let cluster = try MachineCluster(configuration)
        let first = (0..<5).map { _ in cluster.submit(Self.request("a")) }
        let second = (0..<3).map { _ in cluster.submit(Self.request("b")) }
        let last = cluster.submit(Self.request("c"))
        cluster.run()
        #expect(first.map { cluster.answers[$0]?.fault } == [nil, nil, nil, nil, .tenantOverloaded(waiting: 3)])
        #expect(second.map { cluster.answers[$0]?.fault } == [nil, nil, .overloaded(running: 1, waiting: 5)])
        #expect(cluster.answers[last]?.fault == .overloaded(running: 1, waiting: 5))
    }
}

@Suite("A cache with little room")
struct CacheRoomTests {
    private static func request(_ number: Int, length: Int, maximum: Int) -> GenerationRequest {
        let prompt = (0..<length).map { Token(($0 * 31 + number * 17 + 5) % 250) }
        return GenerationRequest(prompt: prompt, sampling: .greedy, maximumTokens: maximum)
    }

    @Test("lets requests wait until there is room for all they may generate")
    func waiting() throws {
        let cluster = try MachineCluster(
            target: .tiny(cacheCapacity: 700),
            engine: try TransformerEngineTests.engine(threads: 1, capacity: 700),
            drafters: [try TinyDrafterSource(perturbation: 0.3)]
        )
        let requests = (0..<6).map { Self.request($0, length: 250, maximum: 60) }
        let ids = requests.map(cluster.submit)
        repeat {
            cluster.advance()
            #expect(cluster.verifier.snapshot.reservedTokens <= 700)
        } while !cluster.verifier.isIdle
        let roomy = try MachineCluster(target: .tiny(), engine: try TransformerEngineTests.engine(threads: 1))
        for (id, request) in zip(ids, requests) { #expect(cluster.answers[id]?.tokens == roomy.answer(request).tokens) }
    }

    @Test("that has fewer pages than it promised fails the request that needs one, and no other")
    func exhaustion() throws {
        // The engine has room for some 5,000 tokens with all that it keeps for trees.
        let cluster = try MachineCluster(
            target: .tiny(cacheCapacity: 1 << 14),
            engine: try TransformerEngineTests.engine(threads: 1, capacity: 64)
        )
        let small = cluster.submit(Self.request(99, length: 20, maximum: 40))
        let large = (0..<6).map { cluster.submit(Self.request($0, length: 950, maximum: 50)) }
        cluster.run()
        let alone = try MachineCluster(target: .tiny(), engine: try TransformerEngineTests.engine(threads: 1))
        #expect(cluster.answers[small]?.tokens == alone.answer(Self.request(99, length: 20, maximum: 40)).tokens)
        let failed = large.filter { id in
            if case .cacheFull = cluster.answers[id]?.fault { true } else { false }
        }
        #expect(!failed.isEmpty && failed.count < large.count)
        for (number, id) in large.enumerated() where !failed.contains(id) {
            let expected = alone.answer(Self.request(number, length: 950, maximum: 50)).tokens
            #expect(cluster.answers[id]?.tokens == expected)
        }
        // What failed left nothing behind.
        #expect(cluster.answer(Self.request(7, length: 950, maximum: 50)).summary?.reason == .length)
    }
}
