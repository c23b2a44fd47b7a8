package import PacelineSpeculation

/// Makes a worker's drafters, from loaded models or from nothing.
///
/// Lives on the worker's compute thread.
package protocol DrafterSource: AnyObject {
    /// Drafters for one more sequence, those without a model first. They may share a model because all run on one
    /// thread.
    func makeDrafters() throws -> [any Drafter]
}

/// The sessions of a worker as its compute thread holds them: trees and the drafters that grow them.
package struct DraftHost {
    private let source: any DrafterSource
    /// Called now and then while a long base is read, so that this does not look like a hang.
    private let onProgress: () -> Void
    private var drafts: [DraftSessionID: SequenceDraft] = [:]
    /// How far each drafter can be trusted, learned over all sessions: all have the same drafters.
    private var experience = DraftExperience()

    package init(source: any DrafterSource, onProgress: @escaping () -> Void = {}) {
        self.source = source
        self.onProgress = onProgress
    }

    /// Sessions that take memory.
    package var openCount: Int { drafts.count }

    /// Carries out a job; returns nil if it had no turn.
    package mutating func perform(_ job: DraftJob) -> DraftResult? {
        for session in job.closings {
            drafts[session] = nil
        }
        guard let turn = job.turn else { return nil }
        do {
            return try take(turn)
        } catch {
            drafts[turn.session] = nil
            return DraftResult(session: turn.session, outcome: .failed("\(error)"))
        }
    }

    private mutating func take(_ turn: DraftJob.Turn) throws -> DraftResult {
        if let opening = turn.opening { try open(turn, opening) }
        guard var draft = drafts.removeValue(forKey: turn.session) else {
            return DraftResult(session: turn.session, outcome: .failed("\(turn.session) is not open"))
        }
        draft.policy = turn.policy
        draft.experience = experience
        for block in turn.features { draft.take(block) }
        if !turn.committed.isEmpty { try draft.commit(turn.committed) }
        let known = draft.tree.count
        if let outgoing = turn.verifying { draft.verifying(outgoing) }
        let isFinal = try !draft.step()
        experience = draft.experience
        // What was sent before may have been given up, or have proved to be worth more or less.
        let isRestarted = turn.opening != nil || !turn.committed.isEmpty || draft.isRevised
        draft.settle()
        drafts[turn.session] = draft
        let outcome: DraftResult.Outcome =
            isRestarted
            ? .restarted(Array(draft.tree), isFinal: isFinal) : .grew(Array(draft.tree[known...]), isFinal: isFinal)
        return DraftResult(session: turn.session, outcome: outcome, drafted: max(0, draft.tree.count - known))
    }

    private mutating func open(_ turn: DraftJob.Turn, _ opening: DraftJob.Opening) throws {
        var draft = SequenceDraft(
            drafters: try source.makeDrafters(),
            policy: turn.policy,
            limits: opening.limits
        )
        // Drafters compile the constraint when they begin, which takes bounded time.
        onProgress()
        try draft.begin(
            base: opening.base,
            sampling: opening.sampling,
            constraint: opening.constraint,
            onProgress: onProgress
        )
        drafts[turn.session] = draft
    }
}
