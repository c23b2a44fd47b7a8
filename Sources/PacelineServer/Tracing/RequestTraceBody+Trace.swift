import PacelineCluster
import PacelineSpeculation

extension RequestTraceBody {
    /// Nil for a request without a name, or without choices.
    ///
    /// - Parameter choices: all of one answer.
    init?(_ choices: [RequestTrace], names: TokenNames) {
        guard let name = choices.first?.name else { return nil }
        id = name.id
        answer = name.answer
        traceID = "\(name.trace.traceID)"
        created = name.created
        self.choices = choices.map { Choice($0, names: names) }
    }
}

extension RequestTraceBody.Choice {
    fileprivate init(_ trace: RequestTrace, names: TokenNames) {
        index = trace.name?.choice ?? 0
        phase = RequestTraces.Phase(trace).rawValue
        switch trace.ending {
        case .finished(let summary): ending = summary.reason.rawValue
        case .failed(let fault): ending = "\(fault)"
        case nil: ending = nil
        }
        promptTokens = trace.promptTokens
        completionTokens = trace.generatedTokens
        draftTokens = trace.draftTokens
        acceptedTokens = trace.acceptedTokens
        roundCount = trace.roundCount
        rounds = RequestTraceBody.Round.rounds(of: trace, names: names)
        timings = RequestTraceBody.Timings(trace, rounds)
    }
}

extension RequestTraceBody.Timings {
    fileprivate init(_ trace: RequestTrace, _ rounds: [RequestTraceBody.Round]) {
        let end = trace.lastToken ?? trace.end ?? trace.submission
        let ready = trace.firstReady ?? end
        let first = trace.firstToken ?? end
        let spending = trace.spending
        let sends = rounds.compactMap(\.sendMS)
        queueMS = (ready - trace.submission).inMilliseconds.thousandths
        prefillMS = max(0, (first - ready).inMilliseconds).thousandths
        draftWaitMS = spending.waiting.thousandths
        verifyMS = spending.verifying.thousandths
        sampleMS = spending.sampling.thousandths
        totalMS = (end - trace.submission).inMilliseconds.thousandths
        otherMS = max(0, spending.all - spending.waiting - spending.verifying - spending.sampling).thousandths
        sendMS = sends.isEmpty ? nil : (sends.reduce(0, +) / Double(sends.count)).thousandths
    }
}

extension RequestTraceBody.Round {
    fileprivate static func rounds(of trace: RequestTrace, names: TokenNames) -> [Self] {
        var sent = trace.sent[...]
        // What is kept of the sendings may begin later than the rounds.
        let known = trace.sent.first.map { $0.tokens } ?? 0
        return trace.rounds.map { record in
            var round = Self(record, since: trace.submission, names: names)
            let total = record.length + round.tokens.count - trace.promptTokens - trace.givenTokens
            let isKnown = total >= known || trace.knowsAllSent
            guard !round.tokens.isEmpty, isKnown else { return round }
            while let next = sent.first, next.tokens < total { sent.removeFirst() }
            round.sendMS = sent.first.map { max(0, ($0.time - record.ended).inMilliseconds).thousandths }
            return round
        }
    }

    private init(_ record: RoundRecord, since start: Instant, names: TokenNames) {
        number = record.number
        atMS = (record.ended - start).inMilliseconds.thousandths
        waitMS = (record.began - record.ready).inMilliseconds.thousandths
        let sampling = record.cost.samplingMilliseconds
        verifyMS = max(0, record.cost.milliseconds - (sampling ?? 0)).thousandths
        sampleMS = sampling?.thousandths
        rows = record.cost.rows
        sequences = record.cost.sequences
        drafts = record.drafts.map { draft in
            RequestTraceBody.Draft(
                worker: "\(draft.worker.rawValue)",
                drafter: draft.drafter,
                nodes: draft.nodes,
                ageMS: draft.arrival.map { (record.began - $0).inMilliseconds.thousandths }
            )
        }
        (verified, accepted, tokens) = (0, 0, [])
        switch record.work {
        case .prefill(let computed, let reused): (prefilled, self.reused) = (computed, reused)
        case .verify(let verified, let accepted, let tokens):
            (self.verified, self.accepted, self.tokens) = (verified, accepted, tokens)
        }
        text = String(decoding: tokens.flatMap { names.bytes(of: $0) }, as: UTF8.self)
    }
}

extension Double {
    /// With three decimals.
    fileprivate var thousandths: Double { (self * 1000).rounded() / 1000 }
}
