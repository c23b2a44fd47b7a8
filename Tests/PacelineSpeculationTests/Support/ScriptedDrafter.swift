import Foundation
import PacelineSpeculation

/// A drafter for tests that proposes the target's next token first with a given reliability, and keeps account of what
/// a drafter with a KV cache would have to hold: it fails when it is asked about a node that the protocol says is gone.
struct ScriptedDrafter: Drafter {
    struct ContractBroken: Error {}

    let target: ScriptedTarget
    /// Out of 100 tokens, how many it gets right.
    let reliability: UInt64
    /// Out of 100, how sure it says it is; its reliability unless told otherwise.
    let claim: UInt64
    private(set) var base: [Token] = []
    private(set) var steps = 0
    private(set) var expandedNodes = 0
    /// By node: the tokens on the path to it, as a cache slot would remember them.
    private var slots: [NodeIndex: [Token]] = [:]

    init(target: ScriptedTarget, reliability: UInt64, claim: UInt64? = nil) {
        self.target = target
        self.reliability = reliability
        self.claim = claim ?? reliability
    }

    var isModelFree: Bool { false }

    mutating func begin(base: [Token], sampling: SamplingParameters) {
        self.base = base
        slots = [:]
    }

    mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        guard Set(nodes).count == nodes.count else { throw ContractBroken() }
        steps += 1
        expandedNodes += nodes.count
        return try nodes.map { node in
            let path = tree.tokens(onPathTo: node)
            for (node, tokens) in slots where tree.tokens(onPathTo: node) != tokens { throw ContractBroken() }
            if let node { slots[node] = path }
            return proposals(after: base + path, width: width)
        }
    }

    mutating func advance(_ rerooting: Rerooting) throws {
        for (order, node) in rerooting.path.enumerated() {
            guard slots[node].map({ $0 == Array(rerooting.committed[...order]) }) ?? true else {
                throw ContractBroken()
            }
        }
        base += rerooting.committed
        var survivors: [NodeIndex: [Token]] = [:]
        for (new, old) in rerooting.kept.enumerated() {
            survivors[new] = slots[old].map { Array($0.dropFirst(rerooting.committed.count)) }
        }
        slots = survivors
    }

    private func proposals(after text: [Token], width: Int) -> [Candidate] {
        var generator = SplitMix(seed: BaseHash(text).rawValue)
        let right = target.nextToken(after: text)
        let isRight = generator.next() % 100 < reliability
        let first = isRight ? right : (right + 1) % target.vocabulary
        let share = Double(claim) / 100
        return (0..<min(width, Int(target.vocabulary))).map { rank in
            let belief = Float(log(max(0.001, min(0.999, share)) * pow(1 - min(0.999, share), Double(rank))))
            return Candidate(token: (first + Token(rank)) % target.vocabulary, logProbability: belief)
        }
    }
}
