import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineServer
import PacelineSpeculation

/// What replicas answer.
extension GatewayMachine {
    mutating func begin(_ attempt: AttemptID, _ head: AnswerHead, now: Instant) {
        guard let id = attempts[attempt], let request = requests[id] else { return }
        guard learn(head.headers[.pacelineGeneration], of: id, now: now) else { return }
        let streams = head.isEventStream && request.relay != nil
        requests[id]?.attempt?.progress = streams ? .streaming : .collecting(head, ByteBuffer())
        requests[id]?.attempt?.lastByte = now
        if request.seed == nil { requests[id]?.seed = head.headers[.pacelineSeed] }
    }

    /// A replica says in an answer's head which generation it is of. It may have started anew since it last answered
    /// about its health.
    ///
    /// - Returns: false if it cannot go on with the request, which is elsewhere by then.
    private mutating func learn(_ generation: String?, of id: ProxyRequestID, now: Instant) -> Bool {
        guard let generation, let request = requests[id], let attempt = request.attempt,
            attempt.generation != generation
        else { return true }
        replicas.note(.unknown, of: attempt.address, now: now)
        guard request.generation == nil || request.generation == generation else {
            fail(id, .foreign, now: now)
            return false
        }
        requests[id]?.attempt?.generation = generation
        return true
    }

    mutating func take(_ attempt: AttemptID, _ bytes: ByteBuffer, now: Instant) {
        guard let id = attempts[attempt] else { return }
        requests[id]?.attempt?.lastByte = now
        switch requests[id]?.attempt?.progress {
        case .streaming?: relay(id, bytes, now: now)
        case .collecting(let head, var body)?:
            // Nobody else holds the body while it grows, so that it is not copied.
            requests[id]?.attempt?.progress = .waiting
            body.writeImmutableBuffer(bytes)
            requests[id]?.attempt?.progress = .collecting(head, body)
            collectedBytes += bytes.readableBytes
            if body.readableBytes > configuration.answerLimit {
                answer(id, ProxyAnswer(.answerTooLong), .lost)
            } else if collectedBytes > configuration.answerMemory {
                answer(id, ProxyAnswer(.tooManyAnswers), .refused)
            }
        case .waiting?, nil: break
        }
    }

    private mutating func relay(_ id: ProxyRequestID, _ bytes: ByteBuffer, now: Instant) {
        guard let output = requests[id]?.relay?.take(bytes) else { return }
        if output.bytes.readableBytes > 0 || output.tokens > 0 { pass(id, output, now: now) }
        switch output.ending {
        case nil: break
        case .complete?:
            // The end of the body is still to come, and is left to come, so that the connection can be used again.
            release(id)
            finish(id)
        case .failed(let error)?: refuse(id, saying: error, now: now)
        case .foreign?: fail(id, .foreign, now: now)
        }
    }

    /// Passes a part of a stream on.
    private mutating func pass(_ id: ProxyRequestID, _ output: StreamRelay.Output, now: Instant) {
        guard let request = requests[id], let attempt = request.attempt else { return }
        if request.tokens == 0, output.tokens > 0 {
            statistics.recordFirstToken(now - request.arrival)
            statistics.recordAdded(attempt.opened - request.arrival)
        }
        if let cut = request.cut { statistics.recordGap(now - cut) }
        requests[id]?.cut = nil
        requests[id]?.lastContent = now
        requests[id]?.generation = attempt.generation
        let done = requests[id]?.progress(output.tokens) ?? 0
        if !PlantedBug.chargeLeaked.isPlanted { replicas.settle(done, on: attempt.address) }
        statistics.count(tokens: output.tokens)
        send(id, output.bytes, tokens: output.tokens, now: now)
    }

    /// A replica says in a stream that it cannot go on.
    private mutating func refuse(_ id: ProxyRequestID, saying error: ByteBuffer, now: Instant) {
        let detail = (try? JSON.decode(ErrorBody.self, from: error))?.error
        let status: HTTPResponse.Status =
            switch detail?.type {
            case "invalid_request_error": .badRequest
            case "not_found_error": .notFound
            case "overloaded_error": .tooManyRequests
            case "unavailable_error": .serviceUnavailable
            default: .internalServerError
            }
        settle(id, AnswerHead(status: status, headers: [.contentType: "application/json"]), error, now: now)
    }

    mutating func end(_ attempt: AttemptID, now: Instant) {
        guard let id = attempts[attempt] else { return }
        guard case .collecting(let head, let body)? = requests[id]?.attempt?.progress else {
            return fail(id, .disconnected, now: now)
        }
        settle(id, head, body, now: now)
    }

    mutating func fail(_ attempt: AttemptID, _ failure: AttemptFailure, now: Instant) {
        guard let id = attempts[attempt] else { return }
        switch failure {
        case .unreachable: refuse(id, .unreachable, nil, now: now)
        case .disconnected: fail(id, .disconnected, now: now)
        }
    }

    /// An answer in one piece: the client's, or a reason to ask another replica.
    private mutating func settle(_ id: ProxyRequestID, _ head: AnswerHead, _ body: ByteBuffer, now: Instant) {
        guard let request = requests[id] else { return }
        let whole = ProxyAnswer(head, body)
        switch head.status.code {
        case 429: refuse(id, .full, whole, now: now)
        case 503: refuse(id, whole.saysLeaving ? .leaving : .unavailable, whole, now: now)
        case 500...:
            requests[id]?.keep(whole)
            fail(id, .failed, now: now)
        case _ where request.hasContent:
            // The request was right before, and so it is now.
            fail(id, .foreign, now: now)
        default:
            if let opened = request.attempt?.opened { statistics.recordAdded(opened - request.arrival) }
            answer(id, whole, .answered)
        }
    }
}
