import HTTPTypes
import NIOCore
import PacelineChat
import PacelineServer
import PacelineSpeculation

/// What the gateway needs to know of a request for tokens.
struct GenerationOutline: Sendable {
    /// Whether the answer is sent as it is generated.
    let isStreamed: Bool
    /// Texts that the answer has.
    let choices: Int
    /// Whether the client wants to see token ids.
    let showsTokens: Bool
    /// The longest silence that the client wants; nil for the gateway's own, zero for any.
    let pingInterval: Duration?
    /// The client's own point to go on from; nil if it has none that a verifier takes.
    let resume: ResumePoint?
    /// About how many tokens the prompts have.
    let promptTokens: Int
    /// The most tokens that one choice may get; nil if the request does not say.
    let maximumTokens: Int?
    /// The seed of the answer; nil if the verifier says which it is, or refuses what the request has.
    let seed: UInt64?
    /// Names of ever longer beginnings of the prompt, as far as they are of one key.
    let prefixes: [UInt64]
    /// What the gateway adds to the body.
    private let additions: String
    /// Where the body's closing brace is.
    private let end: Int
    private let isEmpty: Bool

    /// - Returns: nil for a body that is no JSON object.
    init?(_ body: ByteBuffer, headers: HTTPFields, drawnSeed: UInt64) {
        guard let fields = JSONFields(body) else { return nil }
        isStreamed = fields.value("stream").isTrue
        showsTokens = fields.value("return_token_ids").isTrue
        let count = fields.value("n").flatMap(\.wholeNumber) ?? 1
        // A chat has one prompt, and verifiers pass over fields that it does not have.
        let entries = fields.isAbsent("messages") ? fields.entries("prompt") : nil
        let prompts = entries.map { $0.areNumbers ? 1 : $0.count } ?? 1
        let (texts, overflow) = count.multipliedReportingOverflow(by: prompts)
        choices = overflow ? 1 : max(1, min(texts, Self.choiceLimit))
        pingInterval = fields.value("sse_ping_interval").flatMap(\.finiteNumber).map { seconds in
            seconds > 0 ? .seconds(min(max(seconds, 0.1), 3600)) : .zero
        }
        let point = fields.value("resume").flatMap { try? ResumePoint($0) }
        resume = point?.tokens.count == choices ? point : nil
        maximumTokens = ["max_completion_tokens", "max_tokens", "n_predict"].lazy
            .compactMap { fields.value($0).flatMap(\.wholeNumber) }.first { $0 >= 0 }
        let text = fields.raw("messages") ?? fields.raw("prompt")
        promptTokens = (text?.count ?? 0) / Self.bytesPerToken
        let key = headers[.authorization] ?? headers[.xAPIKey] ?? ""
        prefixes = text.map { PrefixHash.prefixes(of: $0, key: key) } ?? []
        // An answer that is to be gone on with has a seed already; without it, the verifier refuses. -1 asks for one.
        let isOpen = fields.isAbsent("seed") || fields.value("seed")?.wholeNumber == -1
        let drawn = isOpen && fields.isAbsent("resume") ? drawnSeed : nil
        seed = isOpen ? drawn : fields.value("seed")?.seed
        additions = Self.additions(fields, drawnSeed: drawn, isStreamed: isStreamed)
        (end, isEmpty) = (fields.end, fields.isEmpty)
    }

    /// Verifiers refuse what is beyond their own limit, which is this one.
    private static let choiceLimit = ServedModel.choiceLimit
    /// Of text in many languages and of token ids in figures, in round numbers.
    private static let bytesPerToken = 4

    /// The fields that every attempt has beside the client's. A field of the client's is replaced only where the
    /// verifier would accept it, so that its errors stay what they are.
    ///
    /// - Parameter drawnSeed: nil if the request needs none.
    private static func additions(_ fields: JSONFields, drawnSeed: UInt64?, isStreamed: Bool) -> String {
        let drawn = PlantedBug.seedForgotten.isPlanted ? nil : drawnSeed
        var added = drawn.map { ",\"seed\":\($0)" } ?? ""
        guard isStreamed else { return added }
        if fields.isAbsent("return_token_ids") || fields.value("return_token_ids")?.isBool == true {
            added += ",\"return_token_ids\":true"
        }
        if fields.isAbsent("sse_ping_interval")
            || fields.value("sse_ping_interval")?.finiteNumber.map({ $0 <= 3600 }) == true
        {
            added += ",\"sse_ping_interval\":0.25"
        }
        return added
    }

    /// The body for a verifier.
    func body(of original: ByteBuffer, resuming point: ResumePoint?) -> ByteBuffer {
        var added = additions
        if let point { added += ",\"resume\":" + String(decoding: point.json.bytes, as: UTF8.self) }
        guard !added.isEmpty else { return original }
        var body = ByteBuffer()
        body.reserveCapacity(original.readableBytes + added.utf8.count)
        body.writeImmutableBuffer(
            original.getSlice(at: original.readerIndex, length: end - original.readerIndex) ?? original
        )
        body.writeString(isEmpty ? String(added.dropFirst()) : added)
        body.writeStaticString("}")
        return body
    }
}

/// Names beginnings of texts by hashes.
enum PrefixHash {
    /// Bytes of the shortest beginning that counts; each next one is twice as long.
    private static let shortest = 128
    /// Longer texts are compared as far as this.
    private static let longest = 1 << 16

    /// - Parameter key: whose text it is: what one key's prompts left in a cache is of no use to others.
    /// - Returns: the names of all beginnings, the shortest first.
    static func prefixes(of text: some Collection<UInt8>, key: String) -> [UInt64] {
        // Who makes two texts collide only sends both to one replica.
        var hash = FNV1a(key.utf8)
        hash.absorb(0)
        var names: [UInt64] = []
        var (length, next) = (0, shortest)
        for byte in text.prefix(longest) {
            hash.absorb(byte)
            length += 1
            guard length == next else { continue }
            names.append(hash.value)
            next *= 2
        }
        return names
    }
}

extension TemplateValue {
    var isBool: Bool {
        if case .bool = self { true } else { false }
    }
}

extension TemplateValue? {
    fileprivate var isTrue: Bool {
        if case .bool(true)? = self { true } else { false }
    }
}
