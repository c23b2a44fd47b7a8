import PacelineGrammar
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import PacelineWire
import Testing

@testable import PacelineCluster

/// Which workers are told what a request's text must be.
@Suite("The constraint of a request")
struct ConstraintDispatchTests {
    private static let schema = "{\"type\": \"object\", \"description\": \"DESCRIPTION\"}"

    private static func constraint(description: String = "any") throws -> Constraint {
        let schema = schema.replacing("DESCRIPTION", with: description)
        return try Constraint(
            .jsonSchema(schema),
            beginning: .afterOptionalThoughts,
            tokenizer: try TinyModel().tokenizer()
        )
    }

    /// The constraint of each open that a worker hears.
    private static func told(_ id: LinkID, in cluster: ScriptedWorkers) -> [DraftConstraint?] {
        cluster.hear(id).compactMap { message in
            if case .open(let open) = message { .some(open.constraint) } else { nil }
        }
    }

    @Test("is told to workers that use it, and to no others, which work all the same")
    func capability() throws {
        let cluster = try ScriptedWorkers()
        let able = try cluster.connect(incarnation: 10, capabilities: [.deltas, .constraints])
        let unable = try cluster.connect(incarnation: 11)
        let old = try cluster.connect(incarnation: 12, versions: 1...1, capabilities: [.deltas, .constraints])
        let constraint = try Self.constraint()
        let request = cluster.submit([1, 2, 3], count: 6, constraint: constraint)
        try cluster.step()
        #expect(Self.told(able, in: cluster) == [constraint.draft(promptLength: 3)])
        #expect(Self.told(unable, in: cluster) == [nil])
        #expect(Self.told(old, in: cluster) == [nil])
        for worker in [able, unable, old] { try cluster.send([7, 8], below: request, from: worker) }
        for _ in 0..<10 where cluster.tokens[request]?.count != 6 { try cluster.step() }
        #expect(cluster.tokens[request]?.count == 6)
        #expect(cluster.faults.isEmpty && cluster.refusals.isEmpty)
    }

    @Test("is not told where there is none")
    func free() throws {
        let cluster = try ScriptedWorkers()
        let able = try cluster.connect(incarnation: 10, capabilities: [.deltas, .constraints])
        _ = cluster.submit([1, 2, 3], count: 6)
        try cluster.step()
        #expect(Self.told(able, in: cluster) == [nil])
    }

    @Test("is left out where it is too large", arguments: [(60_000, true), (70_000, false)])
    func size(length: Int, isTold: Bool) throws {
        let cluster = try ScriptedWorkers()
        let able = try cluster.connect(incarnation: 10, capabilities: [.deltas, .constraints])
        let constraint = try Self.constraint(description: String(repeating: "x", count: length))
        _ = cluster.submit([1, 2, 3], count: 6, constraint: constraint)
        try cluster.step()
        let told = Self.told(able, in: cluster)
        #expect(told == [isTold ? constraint.draft(promptLength: 3) : nil])
        #expect(cluster.faults.isEmpty)
    }

    @Test("makes room in the first part of a long base, so that both fit a frame")
    func room() throws {
        var pair = LinkPair(configuration: LinkConfiguration())
        pair.connect()
        pair.settle()
        let base = [Token](repeating: Token(LinkPair.fingerprint.vocabularySize - 1), count: 200_000)
        var open = Message.Open(
            request: 1,
            epoch: 0,
            base: base,
            baseHash: BaseHash(base),
            sampling: .greedy,
            credit: 8,
            limits: DraftLimits(nodes: 8, depth: 4, width: 2),
            lengthLimit: base.count
        )
        open.constraint = DraftConstraint(
            grammar: String(repeating: "g", count: WireLimits.grammarBytes),
            beginning: .first,
            promptLength: base.count
        )
        pair.handle(.verifier, .send(.open(open)))
        pair.settle()
        #expect(pair.fault(.verifier) == nil && pair.fault(.worker) == nil)
        let parts: [[Token]] = pair.delivered(.worker).compactMap { message in
            switch message {
            case .open(let open): open.base
            case .base(let base): base.tokens
            default: nil
            }
        }
        #expect(parts.flatMap(\.self) == base)
        #expect(parts.count > 1 && parts[0].count < parts[1].count)
    }
}
