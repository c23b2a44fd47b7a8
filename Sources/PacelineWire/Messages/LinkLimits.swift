/// The limits of what a verifier accepts from one worker.
package struct LinkLimits: Sendable, Equatable {
    /// Most bytes of any payload.
    package var framePayload: Int
    /// Most bytes of the payload of a `Tree`.
    package var treePayload: Int
    package var treeNodes: Int
    package var treeDepth: Int
    /// Most open requests on one connection.
    package var requests: Int

    package init(framePayload: Int, treePayload: Int, treeNodes: Int, treeDepth: Int, requests: Int) {
        self.framePayload = framePayload
        self.treePayload = treePayload
        self.treeNodes = treeNodes
        self.treeDepth = treeDepth
        self.requests = requests
    }

    /// The protocol's own maxima.
    package static let maximum = LinkLimits(
        framePayload: WireLimits.framePayload,
        treePayload: WireLimits.treePayload,
        treeNodes: WireLimits.treeNodes,
        treeDepth: WireLimits.treeDepth,
        requests: WireLimits.requests
    )
}
