import PacelineCluster
import PacelineSpeculation

/// Rounds in the form that the page reads.
struct RoundsJSON {
    let names: TokenNames

    /// - Parameter request: whose rounds they are.
    func frame(_ frame: RoundFeed.Frame, of request: RequestID?) -> JSONValue {
        var fields: [(name: String, value: JSONValue)] = [
            ("passes", .array(frame.passes.map { [.int($0.rows), .rounded($0.milliseconds)] })),
            ("list", .array(frame.rounds.map(summary))),
        ]
        if let request { fields.append(("request", .unsigned(request.rawValue))) }
        if let round = frame.tree, let tree = round.tree { fields.append(("tree", self.tree(tree, of: round))) }
        return .object(fields)
    }

    private func summary(_ round: RoundRecord) -> JSONValue {
        var fields: [(name: String, value: JSONValue)] = [
            ("number", .int(round.number)), ("length", .int(round.length)),
            ("wait_ms", .rounded((round.began - round.ready).inMilliseconds)),
            ("pass_ms", .rounded(round.cost.milliseconds)), ("rows", .int(round.cost.rows)),
        ]
        switch round.work {
        case .prefill(let computed, let reused):
            fields += [("computed", .int(computed)), ("reused", .int(reused))]
        case .verify(let verified, let accepted, let tokens):
            fields += [
                ("verified", .int(verified)), ("accepted", .int(accepted)),
                ("drafted", .int(round.drafts.map(\.nodes).max() ?? 0)),
                ("text", .array(tokens.map { .string(names.text(of: $0)) })),
            ]
        }
        return .object(fields)
    }

    private func tree(_ tree: RoundTree, of round: RoundRecord) -> JSONValue {
        let workers = zip(tree.workers, round.drafts).map { worker, draft -> JSONValue in
            ["id": .unsigned(worker.rawValue), "drafter": .string(draft.drafter)]
        }
        return [
            "number": .int(round.number), "omitted": .int(tree.omitted), "workers": .array(workers),
            "correction": .string(names.text(of: tree.correction)),
            "nodes": .array(
                tree.nodes.map { node in
                    [
                        .int(node.parent ?? -1), .string(names.text(of: node.token)), .rounded(node.probability),
                        .string(String(node.fate.rawValue.prefix(1))),
                        .array(node.proposers.places.map { .int($0) }),
                    ]
                }
            ),
        ]
    }
}

extension UInt64 {
    /// The places of the bits that are set, ascending.
    fileprivate var places: [Int] {
        var (rest, places): (UInt64, [Int]) = (self, [])
        while rest != 0 {
            places.append(rest.trailingZeroBitCount)
            rest &= rest - 1
        }
        return places
    }
}
