import PacelineSpeculation
import PacelineWire

extension VerifierMachine {
    /// Admits a request, queues it, or refuses it at once.
    mutating func submit(_ id: RequestID, _ request: GenerationRequest, now: Instant) {
        do throws(RequestFault) {
            let sequence = try sequence(id, request, now: now)
            if let reason = sequence.finish {
                // What was generated before ends the request.
                return outbox.append(.emit(id, .finished(sequence.summary(reason, workers: []))))
            }
            guard waiting.isEmpty, hasRoom(for: sequence) else {
                return try enqueue(sequence)
            }
            admit(sequence, now: now)
            rebalance(now: now)
        } catch {
            outbox.append(.emit(id, .failed(error)))
        }
    }

    /// Lets a request wait for a slot, unless too many do.
    private mutating func enqueue(_ sequence: VerifierSequence) throws(RequestFault) {
        guard waiting.count < configuration.queueLimit || PlantedBug.queueUnbounded.isPlanted else {
            throw .overloaded(running: running.count, waiting: waiting.count)
        }
        let own = waiting.count(of: sequence.tenant)
        guard own < configuration.queueLimitPerTenant else { throw .tenantOverloaded(waiting: own) }
        waiting.append(sequence, of: sequence.tenant)
    }

    mutating func cancel(_ id: RequestID, now: Instant) {
        if var sequence = waiting.remove(where: { $0.request == id }) {
            sequence.admit(now: now)
            return outbox.append(.emit(id, .finished(sequence.summary(.cancelled, workers: []))))
        }
        if PlantedBug.cancelIgnored.isPlanted { return }
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
        if case .slowConsumer = fault, PlantedBug.slowClientKept.isPlanted { return }
        end(id, .failed, now: now)
        outbox.append(.emit(id, .failed(fault)))
    }

    /// Refuses all requests that wait for a slot.
    mutating func failWaiting(_ fault: RequestFault) {
        for sequence in waiting.removeAll() {
            outbox.append(.emit(sequence.request, .failed(fault)))
        }
    }

    /// Forgets a running request everywhere, and admits waiting ones in its place.
    private mutating func end(_ id: RequestID, _ reason: Message.Close.Reason, now: Instant) {
        running[id] = nil
        scheduler.ended(id)
        observer.forget(id)
        for worker in ledger.workers(of: id) {
            close(id, at: worker, reason, now: now)
        }
        ledger.end(id)
        while let next = waiting.next, hasRoom(for: next), !PlantedBug.waitingForgotten.isPlanted {
            _ = waiting.removeNext()
            admit(next, now: now)
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

    private mutating func admit(_ sequence: VerifierSequence, now: Instant) {
        running[sequence.request] = sequence
        running.update(sequence.request) { $0.admit(now: now) }
    }

    private func hasRoom(for sequence: VerifierSequence) -> Bool {
        let slots = configuration.slots + (PlantedBug.slotsOffByOne.isPlanted ? 1 : 0)
        return running.count < slots && reservedTokens + sequence.lengthLimit <= target.cacheCapacity
    }

    /// The most tokens that a sequence may hold, prompt included.
    private var longestSequence: Int {
        min(target.contextLength, target.cacheCapacity, WireLimits.baseLength)
    }

    /// A request's sequence, which does not run yet.
    private func sequence(
        _ id: RequestID,
        _ request: GenerationRequest,
        now: Instant
    ) throws(RequestFault) -> VerifierSequence {
        let valid = try validated(request)
        let (wanted, overflow) = valid.prompt.count.addingReportingOverflow(valid.maximumTokens)
        return try VerifierSequence(
            id,
            request: valid,
            lengthLimit: overflow ? longestSequence : min(wanted, longestSequence),
            treeLimits: treeLimits,
            now: now
        )
    }

    private func validated(_ request: GenerationRequest) throws(RequestFault) -> GenerationRequest {
        if let refusal = service.refusal { throw refusal }
        guard !request.prompt.isEmpty else { throw .emptyPrompt }
        guard request.maximumTokens > 0 else { throw .nothingToGenerate }
        guard (0...request.maximumTokens).contains(request.minimumTokens) else {
            throw .invalidMinimum(minimum: request.minimumTokens, maximum: request.maximumTokens)
        }
        if let top = request.logProbabilities?.top, !(0...LogProbabilityRequest.limit).contains(top) {
            throw .invalidLogProbabilityCount(count: top, limit: LogProbabilityRequest.limit)
        }
        guard request.prompt.count < longestSequence else {
            throw .promptTooLong(tokens: request.prompt.count, context: longestSequence)
        }
        for tokens in [request.prompt, request.generated, request.prediction] {
            guard let token = tokens.first(where: { Int($0) >= target.fingerprint.tokenCount }) else { continue }
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
