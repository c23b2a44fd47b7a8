/// How a worker drafts, as far as its operator decides it.
package struct DraftSettings: Sendable, Hashable {
    /// Nodes that a model expands in one step.
    package var batch = 8
    /// Drafting pauses when a step promises fewer expected tokens than this.
    package var minimumGain = 0.02
    /// Paths less probable than this are held back while there are better ones.
    package var minimumProbability = 0.005

    package init() {}
}
