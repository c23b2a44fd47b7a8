import NIOCore
import PacelineChaos
import PacelineCluster

/// Bodies of the chaos server's API. The first byte chooses what the body is: a proxy, several, a toxic, or changes to
/// one of these. Toxics that are accepted then strike a stream of frames, whatever their settings.
struct ChaosTarget: FuzzTarget {
    init() {}

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        guard let head = input.first else { return false }
        let body = ByteBuffer(bytes: input.dropFirst())
        do {
            switch head % 5 {
            case 0: try strike(ChaosInput.object(body).proxy().toxics)
            case 1: for proxy in try ChaosInput.objects(body) { try strike(proxy.proxy().toxics) }
            case 2: try strike([ChaosInput.object(body).toxic()])
            case 3:
                let type = ToxicType.allCases[Int(head / 5) % ToxicType.allCases.count]
                try strike([ChaosInput.object(body).changed(ToxicDefinition(name: "t", type, .upstream))])
            default:
                let proxy = ProxyRecord(name: "p", listen: "127.0.0.1:1", upstream: "127.0.0.1:2", isEnabled: true)
                _ = try ChaosInput.object(body).changed(proxy)
            }
            return true
        } catch let error as ChaosError {
            guard (400..<500).contains(error.status), !error.message.isEmpty else {
                throw FuzzFinding("\(error.status): \(error.message)")
            }
            return false
        }
    }

    /// Sends bytes through toxics in virtual time.
    private func strike(_ toxics: [ToxicDefinition]) throws {
        let capacity = 1 << 16
        var now = Instant(nanoseconds: 1_000_000_000)
        for stream in StreamDirection.allCases {
            let identity = ToxicChain.Identity(seed: 1, proxy: "p", connection: 0, stream: stream)
            let own = toxics.filter { $0.stream == stream }.prefix(8)
            guard !own.isEmpty else { continue }
            var chain = ToxicChain(identity, toxics: Array(own), capacity: capacity, now: now)
            for piece in [1, 28, 300, 4000] {
                var bytes = ByteBuffer(repeating: UInt8(truncatingIfNeeded: piece), count: piece)
                chain.arrive(&bytes, now: now)
                try drain(&chain, &now, steps: 64)
            }
            chain.end(.closed, now: now)
            try drain(&chain, &now, steps: 64)
            guard chain.held <= 2 * capacity else { throw FuzzFinding("\(chain.held) bytes are held") }
        }
    }

    private func drain(_ chain: inout ToxicChain, _ now: inout Instant, steps: Int) throws {
        for _ in 0..<steps {
            while let departure = chain.depart(now: now) {
                if case .bytes(let bytes) = departure { chain.release(bytes.readableBytes) }
            }
            _ = chain.takeFaults()
            guard let next = chain.nextDeparture else { return }
            now = max(now, next)
        }
    }

    func seeds() throws -> [FuzzSeed] {
        let proxy = #"{"name":"redis","listen":"127.0.0.1:26379","upstream":"127.0.0.1:6379","enabled":false}"#
        let toxics = ToxicType.allCases.map { type in
            let attributes = ToxicDefinition(name: nil, type, .downstream).attributes
                .map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",")
            return #"{"name":"t","type":""# + type.rawValue
                + #"","stream":"downstream","toxicity":0.5,"after_bytes":3,"attributes":{"# + attributes + "}}"
        }
        return [
            FuzzSeed("proxy", [0] + Array(proxy.utf8)), FuzzSeed("proxies", [1] + Array("[\(proxy),\(proxy)]".utf8)),
            FuzzSeed("change", [4] + Array(proxy.utf8)),
            FuzzSeed("toxics", [0] + Array(#"{"name":"a","upstream":":1","toxics":[\#(toxics[0])]}"#.utf8)),
        ]
            + toxics.enumerated().flatMap { place, toxic in
                [
                    FuzzSeed("toxic-\(place)", [2] + Array(toxic.utf8)),
                    FuzzSeed(
                        "toxic-change-\(place)",
                        [UInt8(3 + 5 * place)] + Array(#"{"toxicity":1,"attributes":{}}"#.utf8)
                    ),
                ]
            }
    }
}
