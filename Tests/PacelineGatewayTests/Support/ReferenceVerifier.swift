import HTTPTypes
import NIOCore
import PacelineChat
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Synchronization
import Testing

@testable import PacelineCluster
@testable import PacelineGateway
@testable import PacelineServer

/// What a verifier answers, without one: its own code writes the chunks, and the texts are invented.
///
/// A text depends on the seed alone. How its tokens are grouped, and how choices alternate, is drawn anew for each
/// call, as with drafts.
struct ReferenceVerifier: Sendable {
    let model: ServedModel
    private let known = KnownTokens()

    /// The tokens of texts that were asked for before, since making tokens takes most of the time.
    private final class KnownTokens: Sendable {
        let bySeed = Mutex<[UInt64: [Token]]>([:])
    }

    init(fingerprint: String = "test") throws {
        var tiny = TinyModel()
        // Nothing computes with it, so the smallest will do.
        (tiny.blockCount, tiny.embeddingLength, tiny.feedForwardLength) = (1, 32, 32)
        (tiny.headCount, tiny.keyValueHeadCount, tiny.weights) = (1, 1, .f32)
        tiny.chatTemplate = """
            {% if tools %}{{ tools | tojson }}{% endif %}\
            {% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}\
            <tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}<|im_end|>\n{% endfor %}\
            {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}{# </think> #}
            """
        model = try ServedModel(
            names: [],
            root: "tiny",
            model: ModelFile(tiny.file()),
            contextLength: 2048,
            slots: 4,
            created: 1_700_000_000,
            numerics: fingerprint
        )
    }

    /// The events of the answer to a call, the mark of the end included; of an answer in one piece all of it.
    ///
    /// - Throws: ``APIError`` if a verifier would refuse it.
    func events(_ call: UpstreamCall, _ random: inout SplitMix) throws -> [String] {
        let request = APIRequest(id: "reference", path: call.path, body: call.body)
        var answer = try GeneratedAnswer(request, model: model, start: .now())
        var left = try answer.requests.map { try generated($0, &random)[...] }
        var parts: [ByteBuffer] = []
        while case let open = left.indices.filter({ !left[$0].isEmpty }), !open.isEmpty {
            let choice = open[random.next(below: open.count)]
            parts += try answer.take(left[choice].removeFirst(), choice: choice)
        }
        parts += try answer.ending()
        return parts.map { String(buffer: $0) }
    }

    // MARK: Texts

    private static let pieces = [
        "one ", "two\n", "\"three\", ", "vier ", "fünf ", "6€ ", "\\n ", "[7]", "{\"8\":9}", "</x>", "日本", "😀",
        "\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"é\"}}\n</tool_call>\n", "<tool_call>{\"name\": ",
    ]

    /// The text for a seed; some begin with a thought.
    func text(_ seed: UInt64) -> String {
        var random = SplitMix(seed: seed)
        var text =
            random.next(below: 2) == 0 ? "" : "<think>\nHmm, \(Self.pieces[random.next(below: 8)])…\n</think>\n\n"
        for _ in 0..<random.next(below: 24) { text += Self.pieces[random.next(below: Self.pieces.count)] }
        return text
    }

    private func tokens(_ seed: UInt64) -> [Token] {
        if let tokens = known.bySeed.withLock({ $0[seed] }) { return tokens }
        let tokens = model.tokenizer.encode(text(seed), parseSpecial: false) + [model.tokenizer.eos ?? 0]
        known.bySeed.withLock { $0[seed] = tokens }
        return tokens
    }

    func generated(_ request: GenerationRequest, _ random: inout SplitMix) throws -> [RequestEvent] {
        var events: [RequestEvent] = []
        if request.logProbabilities?.includesPrompt == true, request.generated.isEmpty {
            events.append(.prompt(request.prompt.dropFirst().map { score($0, request) }))
        }
        let tokens = tokens(request.sampling.seed)
        var (text, waiting) = (request.text, GeneratedTokens([], text: ""))
        var (count, reason) = (0, FinishReason?.none)
        for token in tokens where reason == nil {
            count += 1
            var piece = ""
            if request.stopTokens.contains(token) {
                (piece, reason) = (text?.finish(at: token) ?? "", .stop)
            } else if let (certain, isStopped) = text?.append(token, mayStop: count > request.minimumTokens) {
                (piece, reason) = (certain, isStopped ? .stop : nil)
            }
            if reason == nil, count == request.maximumTokens {
                (piece, reason) = (piece + (text?.finish(at: nil) ?? ""), .length)
            }
            guard count > request.generated.count else {
                #expect(request.generated[count - 1] == token, "the tokens to go on behind are those of the text")
                continue
            }
            waiting.tokens.append(token)
            waiting.text += piece
            if request.logProbabilities != nil { waiting.logProbabilities.append(score(token, request)) }
            guard reason != nil || random.next(below: 2) == 0 else { continue }
            events.append(.tokens(waiting))
            waiting = GeneratedTokens([], text: "")
        }
        #expect(count >= request.generated.count, "no token is given beyond the end")
        return events + [.finished(summary(request, count, reason ?? .length))]
    }

    private func score(_ token: Token, _ request: GenerationRequest) -> TokenLogProbability {
        let value = -Float(token % 7) / 8
        let top = (0..<UInt32(request.logProbabilities?.top ?? 0)).map { rank in
            Candidate(token: token + rank, logProbability: value - Float(rank))
        }
        return TokenLogProbability(token: token, logProbability: value, top: top)
    }

    private func summary(_ request: GenerationRequest, _ count: Int, _ reason: FinishReason) -> RequestSummary {
        RequestSummary(
            reason: reason,
            promptTokens: request.prompt.count,
            completionTokens: count,
            promptMilliseconds: 10,
            predictedMilliseconds: 4,
            rounds: 2,
            speculation: AcceptanceStatistics(),
            workers: []
        )
    }
}
