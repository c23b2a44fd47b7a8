package import PacelineSpeculation

extension Message {
    /// Worker to verifier: nodes of a candidate tree. Its root is the base named by (epoch, base length, base hash).
    ///
    /// `firstNode` = 0 starts a new tree, which replaces the worker's previous one. Any other value must equal the
    /// number of nodes sent so far, and appends with the same root. The decoder checks everything that one message can
    /// show. The receiver must check what spans messages: depth and siblings below nodes of earlier messages.
    package struct Tree: Sendable, Equatable {
        package var request: UInt64
        /// The epoch of the tree's root, from `Open` or from a `Verdict`.
        package var epoch: UInt64
        package var baseLength: Int
        package var baseHash: BaseHash
        /// Index of `nodes[0]` in the tree.
        package var firstNode: Int
        /// `parent` is an index in the worker's tree, not in this message. Log-probabilities are in whole 1/1024 nat.
        package var nodes: [TokenTree.Node]
        /// Whether the drafter pauses here and sends nothing more before the next verdict.
        package var isFinal: Bool

        package init(
            request: UInt64,
            epoch: UInt64,
            baseLength: Int,
            baseHash: BaseHash,
            firstNode: Int,
            nodes: [TokenTree.Node],
            isFinal: Bool
        ) {
            self.request = request
            self.epoch = epoch
            self.baseLength = baseLength
            self.baseHash = baseHash
            self.firstNode = firstNode
            self.nodes = nodes
            self.isFinal = isFinal
        }
    }

    /// Verifier to worker: these nodes, merged from all workers' trees, are being verified, so draft below them.
    package struct Verifying: Sendable, Equatable {
        package struct Node: Sendable, Equatable {
            /// Index of the parent in this message; `nil` for a child of the base.
            package var parent: NodeIndex?
            package var token: Token

            package init(parent: NodeIndex?, token: Token) {
                self.parent = parent
                self.token = token
            }
        }

        package var request: UInt64
        package var epoch: UInt64
        package var baseLength: Int
        package var baseHash: BaseHash
        package var nodes: [Node]

        package init(request: UInt64, epoch: UInt64, baseLength: Int, baseHash: BaseHash, nodes: [Node]) {
            self.request = request
            self.epoch = epoch
            self.baseLength = baseLength
            self.baseHash = baseHash
            self.nodes = nodes
        }
    }
}
