package import PacelineSpeculation

extension Message {
    /// Worker to verifier: nodes of a candidate tree rooted at the base that (epoch, base length, base hash) name.
    ///
    /// `firstNode` = 0 starts a new tree, which replaces the worker's previous one; any other value must equal the
    /// number of nodes sent so far, and appends with the same root. The decoder has checked all that one message can
    /// show; what spans messages (depth and siblings below nodes of earlier messages) is the receiver's to check.
    package struct Tree: Sendable, Equatable {
        package var request: UInt64
        /// Of the tree's root: that of `Open` or of a `Verdict`.
        package var epoch: UInt64
        package var baseLength: Int
        package var baseHash: BaseHash
        /// Index of `nodes[0]` in the tree.
        package var firstNode: Int
        /// `parent` counts in the worker's tree, not in this message. Log-probabilities lie on a grid of 1/1024 nat.
        package var nodes: [TokenTree.Node]
        /// The drafter pauses here: nothing more comes before the next verdict.
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

    /// Verifier to worker: these nodes (the merged tree of all workers) are being verified, so draft below them.
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
