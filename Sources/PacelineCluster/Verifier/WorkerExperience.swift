import PacelineSpeculation

/// What a verifier has learned of one worker's drafting.
struct WorkerExperience: Sendable {
    /// What the worker's reported confidence is worth.
    var calibration = Calibration()
    /// What its drafting is worth.
    var usefulness = Usefulness()
    /// How deep and how wide its trees are of use.
    var shape = TreeShapeRecord()
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
