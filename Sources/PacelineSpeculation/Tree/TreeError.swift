/// Why a node cannot be added to a token tree: what was allowed, and what came.
package enum TreeError: Error, Hashable, Sendable {
    case tooManyNodes(limit: Int)
    case tooDeep(depth: Int, limit: Int)
    case parentOutOfRange(parent: Int, nodeCount: Int)
    case tokenOutOfVocabulary(token: Token, vocabularySize: Int)
    case duplicateSibling(parent: NodeIndex?, token: Token)
    case invalidLogProbability(Float)
}

extension TreeError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooManyNodes(let limit):
            "a token tree may hold at most \(limit) nodes, but one more was added"
        case .tooDeep(let depth, let limit):
            "a token tree may be at most \(limit) nodes deep, but a node came at depth \(depth)"
        case .parentOutOfRange(let parent, let nodeCount):
            "a node's parent must come before it in the tree (\(nodeCount) nodes so far), but the parent was \(parent)"
        case .tokenOutOfVocabulary(let token, let vocabularySize):
            "a token must be below the vocabulary size of \(vocabularySize), but was \(token)"
        case .duplicateSibling(let parent, let token):
            "the children of a node must be distinct, but token \(token) came twice below "
                + (parent.map { "node \($0)" } ?? "the base")
        case .invalidLogProbability(let value):
            "a log-probability must be finite and at most zero, but was \(value)"
        }
    }
}
