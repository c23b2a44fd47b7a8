/// What one worker did for one request.
package struct RequestContribution: Sendable, Equatable {
    package var worker: LinkID
    package var drafter: String
    /// Nodes of the worker that were verified.
    package var draftTokens = 0
    /// Those of them that were accepted.
    package var acceptedTokens = 0

    package init(worker: LinkID, drafter: String, draftTokens: Int = 0, acceptedTokens: Int = 0) {
        self.worker = worker
        self.drafter = drafter
        self.draftTokens = draftTokens
        self.acceptedTokens = acceptedTokens
    }
}
