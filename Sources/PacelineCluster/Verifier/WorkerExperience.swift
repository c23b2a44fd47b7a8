import PacelineSpeculation

/// What a verifier has learned of one worker's drafting.
struct WorkerExperience: Sendable {
    /// What the worker's reported confidence is worth.
    var calibration = Calibration()
    /// What its drafting is worth.
    var usefulness = Usefulness()
    /// How deep and how wide its trees are of use.
    var shape = TreeShapeRecord()

    /// The probability that the target takes a node's token, given that it comes to its parent.
    ///
    /// What the worker reports, as calibrated; but the word of a worker that nothing is known of
    /// is taken for even odds at most, and each verdict on a tree of its halves that doubt. One that is certain of
    /// tokens that are all wrong can so have no long tree verified before it is found out.
    func probability(logProbability: Float, depth: Int) -> Double {
        let believed = calibration.probability(logProbability: logProbability, depth: depth)
        guard shape.verdicts < Self.acquaintance else { return believed }
        return min(believed, 1 - 1 / Double(2 << shape.verdicts))
    }

    /// Verdicts after which doubt is smaller than any calibration can be exact.
    private static let acquaintance = 10
}

/// The experience with workers that are not connected at present, so that one that comes back does not start anew.
/// Bounded: the one that left first is forgotten first.
struct ExperienceArchive: Sendable {
    private static let limit = 128

    private var entries: [(incarnation: UInt64, experience: WorkerExperience)] = []

    var count: Int { entries.count }

    mutating func keep(_ experience: WorkerExperience, of incarnation: UInt64) {
        entries.removeAll { $0.incarnation == incarnation }
        if entries.count == Self.limit { entries.removeFirst() }
        entries.append((incarnation, experience))
    }

    /// Hands out what is known of a worker's process life, or nothing.
    mutating func take(_ incarnation: UInt64) -> WorkerExperience {
        guard let index = entries.firstIndex(where: { $0.incarnation == incarnation }) else {
            return WorkerExperience()
        }
        return entries.remove(at: index).experience
    }
}
