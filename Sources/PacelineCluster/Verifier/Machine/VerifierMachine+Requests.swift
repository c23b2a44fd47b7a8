import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// Admits a request, queues it, or refuses it at once.
    mutating func submit(_ id: RequestID, _ request: GenerationRequest, now: Instant) {
        let valid: GenerationRequest
        do {
            valid = try validated(request)
        } catch {
            outbox.append(.emit(id, .failed(error)))
            return
        }
        guard waiting.isEmpty, hasRoom(for: valid) else {
            guard waiting.count < configuration.queueLimit else {
                let fault = RequestFault.overloaded(running: running.count, waiting: waiting.count)
                return outbox.append(.emit(id, .failed(fault)))
            }
            return waiting.append((id, valid))
        }
        admit(id, valid, now: now)
        rebalance(now: now)
    }

    mutating func cancel(_ id: RequestID, now: Instant) {
        if let place = waiting.firstIndex(where: { $0.id == id }) {
            let request = waiting.remove(at: place).request
            let sequence = VerifierSequence(id, request: request, lengthLimit: 0, treeLimits: treeLimits, now: now)
            return outbox.append(.emit(id, .finished(sequence.summary(.cancelled, workers: []))))
        }
        finish(id, .cancelled, closing: .cancelled, now: now)
    }

    /// Ends a running request that did not fail.
    mutating func finish(
        _ id: RequestID,
        _ reason: FinishReason,
        closing: Message.Close.Reason,
        now: Instant
    ) {
        let workers = ledger.contributions(to: id)
        guard let summary = running[id]?.summary(reason, workers: workers) else { return }
        end(id, closing, now: now)
        outbox.append(.emit(id, .finished(summary)))
    }

    mutating func fail(_ id: RequestID, _ fault: RequestFault, now: Instant) {
        guard running.contains(id) else { return }
        end(id, .failed, now: now)
        outbox.append(.emit(id, .failed(fault)))
    }

    /// Refuses all requests that wait for a slot.
    mutating func failWaiting(_ fault: RequestFault) {
        for entry in waiting {
            outbox.append(.emit(entry.id, .failed(fault)))
        }
        waiting.removeAll()
    }

    /// Forgets a running request everywhere, and admits waiting ones in its place.
    private mutating func end(_ id: RequestID, _ reason: Message.Close.Reason, now: Instant) {
        running[id] = nil
        scheduler.ended(id)
        for worker in ledger.workers(of: id) {
            close(id, at: worker, reason, now: now)
        }
        ledger.end(id)
        while let next = waiting.first, hasRoom(for: next.request) {
            waiting.removeFirst()
            admit(next.id, next.request, now: now)
        }
        rebalance(now: now)
    }

    /// Bounds on any tree of this verifier.
    var treeLimits: TreeLimits {
        TreeLimits(
            nodes: WireLimits.treeNodes,
            depth: WireLimits.treeDepth,
            vocabularySize: target.fingerprint.tokenCount
        )
    }

    /// Context tokens that running requests may come to use.
    var reservedTokens: Int {
        running.values.reduce(0) { $0 + $1.lengthLimit }
    }

    private mutating func admit(_ id: RequestID, _ request: GenerationRequest, now: Instant) {
        let limit = lengthLimit(of: request)
        running[id] = VerifierSequence(id, request: request, lengthLimit: limit, treeLimits: treeLimits, now: now)
    }

    private func hasRoom(for request: GenerationRequest) -> Bool {
        running.count < configuration.slots && reservedTokens + lengthLimit(of: request) <= target.cacheCapacity
    }

    private func lengthLimit(of request: GenerationRequest) -> Int {
        let (wanted, overflow) = request.prompt.count.addingReportingOverflow(request.maximumTokens)
        let bound = min(target.contextLength, target.cacheCapacity, WireLimits.baseLength)
        return overflow ? bound : min(wanted, bound)
    }

    /// Refuses what is not computed yet, because leaving it out would change the answer.
    private func refuseUnserved(_ request: GenerationRequest) throws(RequestFault) {
        guard request.generated.isEmpty else { throw .unsupported("requests that go on behind generated tokens") }
        guard request.minimumTokens == 0 else { throw .unsupported("a least number of tokens") }
        guard request.logProbabilities == nil else { throw .unsupported("log-probabilities") }
        guard request.cacheSalt == nil else { throw .unsupported("a cache salt") }
    }

    private func validated(_ request: GenerationRequest) throws(RequestFault) -> GenerationRequest {
        if let refusal = service.refusal { throw refusal }
        guard !request.prompt.isEmpty else { throw .emptyPrompt }
        guard request.maximumTokens > 0 else { throw .nothingToGenerate }
        try refuseUnserved(request)
        let context = min(target.contextLength, target.cacheCapacity, WireLimits.baseLength)
        guard request.prompt.count < context else {
            throw .promptTooLong(tokens: request.prompt.count, context: context)
        }
        if let token = request.prompt.first(where: { Int($0) >= target.fingerprint.tokenCount }) {
            throw .tokenOutOfVocabulary(token: token, vocabularySize: target.fingerprint.tokenCount)
        }
        var valid = request
        do {
            valid.sampling = try request.sampling.validated(vocabularySize: target.fingerprint.tokenCount)
        } catch {
            throw .invalidSampling(error)
        }
        return valid
    }
}
