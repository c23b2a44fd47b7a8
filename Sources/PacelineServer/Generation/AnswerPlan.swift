import Glibc
import PacelineChat
import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// What is to be generated for a request, and what its answer is to show.
struct AnswerPlan: Sendable {
    let identity: AnswerIdentity
    let options: GenerationOptions
    /// The seed of each prompt's first choice.
    let seed: UInt64
    /// A request for each choice; the choices of one prompt stand together.
    let requests: [GenerationRequest]
    /// The splitter of thoughts at the beginning of the answer; nil where thoughts are not separated.
    let splitter: ReasoningSplitter?
    /// The texts that the choices went on behind; empty without a resumption.
    let given: [String]
    /// Whether no generated token is part of the answer.
    let generatesNothing: Bool

    /// - Parameters:
    ///   - prompts: tokens; at least one prompt.
    ///   - kind: what the answer's id begins with.
    ///   - prompt: the name of the field that holds the prompt.
    /// - Throws: ``APIError`` (400) if a prompt is empty or too long, or the resumption does not fit.
    init(
        _ options: GenerationOptions,
        prompts: [[Token]],
        kind: String,
        prompt: String,
        tenant: Tenant,
        model: ServedModel,
        name: String?,
        splitter: ReasoningSplitter? = nil,
        logProbabilities: LogProbabilityRequest? = nil,
        generatesNothing: Bool = false
    ) throws(APIError) {
        // Below 2^53, so that clients that read JSON numbers as doubles get the same seed.
        seed = options.seed ?? UInt64.random(in: 0..<(1 << 53))
        self.options = options
        self.splitter = splitter
        self.generatesNothing = generatesNothing
        identity = AnswerIdentity(
            id: options.resume?.id ?? "\(kind)-\(String(UInt64.random(in: .min ... .max), radix: 36))",
            created: options.resume?.created ?? time(nil),
            model: try model.name(for: name),
            fingerprint: model.fingerprint
        )
        let count = prompts.count * options.choices
        guard count <= GenerationOptions.choiceLimit else {
            throw .invalidRequest(
                "\(prompts.count) prompts with \(options.choices) choices are \(count) texts, but one request may have "
                    + "at most \(GenerationOptions.choiceLimit); send several requests",
                param: prompts.count > options.choices ? prompt : "n"
            )
        }
        let resumed = options.resume?.tokens ?? []
        guard resumed.isEmpty || resumed.count == count else {
            throw .invalidRequest(
                "resume.tokens has the tokens of \(resumed.count) choices, but the request has \(count)",
                param: "resume.tokens"
            )
        }
        let text = CompletionText(tokenizer: model.tokenizer, stops: options.stops, shown: model.shownMarkers)
        var requests: [GenerationRequest] = []
        for tokens in prompts {
            guard !tokens.isEmpty else {
                throw .invalidRequest("\(prompt) holds no tokens; give at least one", param: prompt)
            }
            guard tokens.count < model.contextLength else {
                throw .contextExceeded(tokens: tokens.count, context: model.contextLength, param: prompt)
            }
            let room = model.contextLength - tokens.count
            var request = GenerationRequest(
                prompt: tokens,
                sampling: options.sampling,
                maximumTokens: min(options.maximumTokens ?? room, room),
                stopTokens: (options.ignoresEnd ? [] : model.tokenizer.endOfGeneration).union(options.stopTokens),
                text: text
            )
            request.minimumTokens = min(options.minimumTokens, request.maximumTokens)
            request.logProbabilities = logProbabilities
            request.draftLimit = options.draftLimit
            request.tenant = tenant
            request.cacheSalt = options.cacheSalt
            request.prediction = options.prediction.map { model.tokenizer.encode($0, parseSpecial: false) } ?? []
            for choice in 0..<options.choices {
                request.sampling.seed = seed &+ UInt64(choice)
                if !resumed.isEmpty { request.generated = resumed[requests.count] }
                requests.append(request)
            }
        }
        self.requests = requests
        given = requests.map { Self.text(of: $0, text) }
    }

    /// The text that was certain with the tokens that a request goes on behind.
    private static func text(of request: GenerationRequest, _ start: CompletionText) -> String {
        var text = start
        var given = ""
        for (place, token) in request.generated.enumerated() {
            guard !request.stopTokens.contains(token) else { return given + text.finish(at: token) }
            let (piece, isStopped) = text.append(token, mayStop: place + 1 > request.minimumTokens)
            given += piece
            if isStopped { return given }
        }
        return given
    }
}
