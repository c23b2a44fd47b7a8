package import PacelineSpeculation

/// What makes the drafters of a worker: loaded models, for one, or nothing at all.
///
/// Lives on the worker's compute thread.
package protocol DrafterSource: AnyObject {
    /// Drafters for one more sequence, those without a model first. They may share a model: all run on one thread.
    func makeDrafters() throws -> [any Drafter]
}

/// The sessions of a worker as its compute thread holds them: trees and the drafters that grow them.
package struct DraftHost {
    private let source: any DrafterSource
    /// Called now and then while a long base is read, which is no sign of a hang.
    private let onProgress: () -> Void
    private var drafts: [DraftSessionID: SequenceDraft] = [:]
    /// What each drafter's beliefs have turned out to be worth, over all sessions: all have the same drafters.
    private var experience: [Calibration] = []

    package init(source: any DrafterSource, onProgress: @escaping () -> Void = {}) {
        self.source = source
        self.onProgress = onProgress
    }

    /// Carries out a job; nil if it was for closings alone.
    package mutating func perform(_ job: DraftJob) -> DraftResult? {
        for session in job.closings {
            drafts[session] = nil
        }
        guard let turn = job.turn else { return nil }
        do {
            return DraftResult(session: turn.session, outcome: try take(turn))
        } catch {
            drafts[turn.session] = nil
            return DraftResult(session: turn.session, outcome: .failed("\(error)"))
        }
    }

    private mutating func take(_ turn: DraftJob.Turn) throws -> DraftResult.Outcome {
        if let opening = turn.opening { try open(turn, opening) }
        guard var draft = drafts.removeValue(forKey: turn.session) else {
            return .failed("\(turn.session) is not open")
        }
        draft.policy = turn.policy
        draft.experience = experience
        let known = draft.tree.count
        if !turn.committed.isEmpty { try draft.commit(turn.committed) }
        if let outgoing = turn.verifying { draft.verifying(outgoing) }
        let isFinal = try draft.step() == nil
        experience = draft.experience
        drafts[turn.session] = draft
        guard turn.opening == nil, turn.committed.isEmpty else {
            return .restarted(Array(draft.tree), isFinal: isFinal)
        }
        return .grew(Array(draft.tree[known...]), isFinal: isFinal)
    }

    private mutating func open(_ turn: DraftJob.Turn, _ opening: DraftJob.Opening) throws {
        var draft = SequenceDraft(
            drafters: try source.makeDrafters(),
            policy: turn.policy,
            limits: opening.limits
        )
        try draft.begin(base: opening.base, sampling: opening.sampling, onProgress: onProgress)
        drafts[turn.session] = draft
    }
}
