import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import PacelineCluster
import PacelineLoad
import PacelineServer

/// Sends the requests of a load test, and notes when the parts of each answer come.
struct LoadClient: Sendable {
    /// The most that is read of an answer that is no stream.
    private static let answerLimit = 1 << 20

    private(set) var target: LoadTarget
    private let http: HTTPClient
    private let timeout: Duration

    /// - Parameter timeout: how long an answer may take, from the time when its request was due.
    init(_ target: LoadTarget, http: HTTPClient, timeout: Duration) {
        (self.target, self.http, self.timeout) = (target, http, timeout)
    }

    /// - Parameter connections: the most connections at once, at least 1.
    static func configuration(connections: Int) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.timeout.connect = .seconds(5)
        // A connection that fails is a figure of the test.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        configuration.httpVersion = .http1Only
        return configuration
    }

    // MARK: Measured requests

    /// Sends a request and reads its answer.
    ///
    /// - Parameter start: the start of the run, which times count from.
    /// - Returns: what happened; `abandoned` if the task was cancelled.
    func perform(
        _ request: ScheduledRequest,
        _ body: LoadRequestBody,
        since start: ContinuousClock.Instant
    ) async -> RequestRecord {
        await withTaskGroup(of: RequestRecord?.self) { group in
            group.addTask { await attempt(request, body, since: start) }
            group.addTask {
                try? await Task.sleep(until: start + request.intended + timeout, tolerance: .milliseconds(10))
                return nil
            }
            var record: RequestRecord?
            var isLate = false
            for await result in group {
                if let result { record = result } else if record == nil { isLate = !Task.isCancelled }
                group.cancelAll()
            }
            let now = ContinuousClock.now - start
            var whole = record ?? RequestRecord(request, sent: now)
            if isLate, whole.outcome == .abandoned {
                whole.end(.failed(.timeout), at: now, note: "not at its end after \(timeout)")
            }
            return whole
        }
    }

    private func attempt(
        _ request: ScheduledRequest,
        _ body: LoadRequestBody,
        since start: ContinuousClock.Instant
    ) async -> RequestRecord {
        var record = RequestRecord(request, sent: ContinuousClock.now - start)
        var hasBegun = false
        do {
            let response = try await http.execute(
                self.request(target.api.rawValue, body: JSON.encode(body)),
                deadline: .distantFuture
            )
            hasBegun = true
            if response.status == .ok {
                try await read(response.body, into: &record, since: start)
            } else {
                let time = ContinuousClock.now - start
                let status = Int(response.status.code)
                let reason = Self.reason(status, try await response.body.collect(upTo: Self.answerLimit))
                record.end(.failed(RequestFailure(status: status)), at: time, note: reason)
            }
        } catch {
            let failure: RequestFailure =
                !hasBegun ? .connection : error is DecodingError || error is EventStream.TooLong ? .malformed : .cut
            let outcome: RequestOutcome = Task.isCancelled ? .abandoned : .failed(failure)
            record.end(outcome, at: ContinuousClock.now - start, note: Self.words(for: error, at: target.base))
        }
        return record
    }

    private func read(
        _ body: HTTPClientResponse.Body,
        into record: inout RequestRecord,
        since start: ContinuousClock.Instant
    ) async throws {
        var parser = LoadAnswerParser()
        for try await bytes in body {
            let time = ContinuousClock.now - start
            for part in try parser.take(bytes) where record.outcome == .abandoned {
                switch part {
                case .text(let text): record.take(text: text, at: time)
                case .usage(let usage): record.take(usage)
                case .failed(let reason): record.end(.failed(.fault), at: time, note: reason)
                // The rest is read, so that the connection can be used again.
                case .done: record.end(.completed, at: time)
                }
            }
        }
        guard record.outcome == .abandoned, !Task.isCancelled else { return }
        record.end(.failed(.cut), at: ContinuousClock.now - start, note: "the answer ended without [DONE]")
    }

    // MARK: Questions before the test

    /// Settles which model is asked: this one, or without a name the first that the server lists.
    ///
    /// - Throws: ``LoadError``.
    mutating func choose(model name: String?) async throws {
        if let name {
            target.model = name
        } else {
            target.model = try await firstModel()
        }
    }

    private func firstModel() async throws -> String {
        struct List: Decodable {
            struct Model: Decodable { var id: String }
            var data: [Model]
        }
        let list: List = try await ask("/v1/models", body: nil) {
            LoadError.unusable(url: target.base, reason: $0)
        }
        guard let model = list.data.first else {
            throw LoadError.unusable(url: target.base, reason: "it lists no model")
        }
        return model.id
    }

    /// The tokens of a text, without any that would begin a prompt.
    func tokens(of text: String) async throws -> [Int] {
        struct Answer: Decodable { var tokens: [Int] }
        let body: [String: JSONContent] = [
            "model": .string(target.model), "content": .string(text), "prompt": .string(text),
            "add_special": .bool(false), "add_special_tokens": .bool(false),
        ]
        let answer: Answer = try await ask("/tokenize", body: JSON.encode(body)) {
            LoadError.noTokenizer(url: target.base, reason: $0)
        }
        return answer.tokens
    }

    /// The text of one token.
    func text(of token: Int) async throws -> String {
        struct Answer: Decodable {
            var content: String?
            var prompt: String?
        }
        let body: [String: JSONContent] = [
            "model": .string(target.model), "tokens": .array([.number(Double(token))]),
        ]
        let answer: Answer = try await ask("/detokenize", body: JSON.encode(body)) {
            LoadError.noTokenizer(url: target.base, reason: $0)
        }
        return answer.content ?? answer.prompt ?? ""
    }

    /// - Parameter error: makes an error of the reason why there is no answer.
    private func ask<Answer: Decodable>(
        _ path: String,
        body: [UInt8]?,
        error: (String) -> LoadError
    ) async throws -> Answer {
        let status: HTTPResponseStatus
        let bytes: ByteBuffer
        do {
            let response = try await http.execute(request(path, body: body), timeout: .seconds(30))
            status = response.status
            bytes = try await response.body.collect(upTo: Self.answerLimit)
        } catch let cause {
            try Task.checkCancellation()
            throw error(Self.words(for: cause, at: target.base))
        }
        guard status == .ok else { throw error(Self.reason(Int(status.code), bytes)) }
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(bytes.readableBytesView))
        } catch {
            throw LoadError.unusable(url: target.base, reason: "\(path) is not answered in the form of OpenAI's API")
        }
    }

    private func request(_ path: String, body: [UInt8]?) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: target.base + path)
        if let key = target.key { request.headers.add(name: "authorization", value: "Bearer \(key)") }
        if let body {
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        return request
    }

    /// The message of an answer in OpenAI's form, with the status.
    private static func reason(_ status: Int, _ body: ByteBuffer) -> String {
        struct Refusal: Decodable {
            struct Error: Decodable { var message: String? }
            var error: Error?
        }
        let refusal = try? JSONDecoder().decode(Refusal.self, from: Data(body.readableBytesView))
        return (["status \(status)"] + [refusal?.error?.message].compactMap(\.self)).joined(separator: ": ")
    }

    private static func words(for error: any Error, at url: String) -> String {
        switch error {
        case is NIOConnectionError, is IOError, is ChannelError: SocketFailure(error).connecting(to: url)
        case let error as HTTPClientError where error == .connectTimeout:
            SocketFailure.timedOut.connecting(to: url)
        default: "\(error)"
        }
    }
}
