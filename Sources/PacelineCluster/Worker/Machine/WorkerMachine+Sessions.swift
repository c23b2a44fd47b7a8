import PacelineSpeculation
import PacelineWire

extension WorkerMachine {
    mutating func open(_ open: Message.Open, on link: LinkID, now: Instant) {
        guard session(open.request, on: link) == nil, arrival(of: open.request, on: link) == nil else {
            return abort(link, .violation("request \(open.request) was opened twice"), now: now)
        }
        if let refusal = refusal(of: open, on: link) {
            return send(.close(refusal), to: link, now: now)
        }
        arriving.append(ArrivingBase(open, on: link))
        beginIfWhole(arriving.count - 1, now: now)
    }

    /// More of a base has come.
    mutating func append(_ part: Message.Base, on link: LinkID, now: Instant) {
        guard let index = arrival(of: part.request, on: link) else {
            guard session(part.request, on: link) != nil else { return }
            let reason = "more came of the base of request \(part.request), which was whole"
            return abort(link, .violation(reason), now: now)
        }
        if let fault = arriving[index].append(part) {
            return abort(link, fault, now: now)
        }
        beginIfWhole(index, now: now)
    }

    /// Begins to draft for a request if its base has arrived in full.
    private mutating func beginIfWhole(_ index: Int, now: Instant) {
        guard arriving[index].isComplete else { return }
        let (link, open, isSound) = (arriving[index].link, arriving[index].open, arriving[index].isSound)
        arriving.remove(at: index)
        guard isSound else {
            let reason = "request \(open.request) was opened with a base that its hash does not fit"
            return abort(link, .violation(reason), now: now)
        }
        guard let vocabularySize = links.peer(of: link)?.vocabularySize else { return }
        sessionCount += 1
        tally.opened()
        let id = DraftSessionID(rawValue: sessionCount)
        let session = DraftSession(open, id: id, link: link, vocabularySize: vocabularySize)
        sessions[id] = session
        if let tag = session.tag { outbox.append(.note(.opened(id, tag))) }
    }

    private func arrival(of request: UInt64, on link: LinkID) -> Int? {
        arriving.firstIndex { $0.link == link && $0.open.request == request }
    }

    /// Ends the link of a verifier that goes on with a request before its base has arrived in full.
    ///
    /// - Returns: whether the base is complete.
    mutating func isWhole(
        _ request: UInt64,
        before type: MessageType,
        on link: LinkID,
        now: Instant
    ) -> Bool {
        guard let index = arrival(of: request, on: link) else { return true }
        let (count, length) = (arriving[index].open.base.count, arriving[index].open.baseLength)
        let state = "only \(count) of the \(length) tokens of its request's base had come"
        abort(link, .unexpected(type, state: state), now: now)
        return false
    }

    mutating func follow(_ verdict: Message.Verdict, on link: LinkID, now: Instant) {
        guard isWhole(verdict.request, before: .verdict, on: link, now: now) else { return }
        // The worker may have closed the request while the verdict was on its way.
        guard let id = session(verdict.request, on: link) else { return }
        if let fault = sessions.update(id, { $0.follow(verdict) }) {
            return abort(link, fault, now: now)
        }
        tally.judged(verified: verdict.verifiedNodes, accepted: verdict.acceptedNodes)
        guard let length = sessions[id]?.mark.length, length >= configuration.contextLength ?? .max else { return }
        sessions[id] = nil
        send(.close(Message.Close(request: verdict.request, reason: .contextLength)), to: link, now: now)
    }

    /// Features of the target have come.
    mutating func take(_ features: Message.Features, on link: LinkID, now: Instant) {
        guard isWhole(features.request, before: .features, on: link, now: now) else { return }
        guard let id = session(features.request, on: link) else { return }
        sessions.update(id) { $0.take(features.block) }
    }

    func session(_ request: UInt64, on link: LinkID) -> DraftSessionID? {
        sessions.firstKey { $0.link == link && $0.request == request }
    }

    /// Hands the compute thread the next turn if it is idle.
    mutating func startTurnIfDue(now: Instant) {
        guard !rota.isComputing, phase != .ended else { return }
        let closings = rota.closings(besides: sessions.keys)
        let next = rota.next(of: sessions.keys { $0.wantsTurn })
        guard next != nil || !closings.isEmpty else { return }
        rota.begin(next, closing: closings, now: now)
        let settings = configuration.draft
        let turn = next.flatMap { sessions.update($0) { $0.takeTurn(settings) } }
        links.watchdog.began(now: now)
        outbox.append(.draft(DraftJob(closings: closings, turn: turn)))
    }

    mutating func finishTurn(_ result: DraftResult?, now: Instant) {
        let time = rota.end(now: now)
        links.watchdog.ended()
        checkWatchdog(now: now)
        if let result { tally.drafted(result.drafted, in: time, now: now) }
        // The session may be over by now.
        guard let result, let session = sessions[result.session] else { return }
        if case .failed(let reason) = result.outcome {
            sessions[result.session] = nil
            outbox.append(.note(.sessionFailed(result.session, session.tag, reason: reason)))
            let close = Message.Close(request: session.request, reason: .failed, detail: reason)
            return send(.close(close), to: session.link, now: now)
        }
        if let tree = sessions.update(result.session, { $0.report(result.outcome) }) {
            send(.tree(tree), to: session.link, now: now)
        }
    }

    private func refusal(of open: Message.Open, on link: LinkID) -> Message.Close? {
        if links[link]?.isLeaving ?? true {
            return Message.Close(request: open.request, reason: .noCapacity, detail: Self.farewell)
        }
        if sessions.count + arriving.count >= configuration.slots {
            return Message.Close(
                request: open.request,
                reason: .noCapacity,
                detail: "all \(configuration.slots) slots are taken"
            )
        }
        guard open.baseLength < configuration.contextLength ?? .max else {
            return Message.Close(request: open.request, reason: .contextLength)
        }
        return nil
    }
}
