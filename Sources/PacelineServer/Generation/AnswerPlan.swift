import Glibc
import HTTPTypes
import PacelineChat
import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// What is to be generated for a request, and what its answer is to show.
struct AnswerPlan: Sendable {
    /// The prompts of a request as tokens, and what errors call them.
    struct Prompts {
        /// The name of the field that holds them.
        var field: String
        /// At least one prompt.
        var tokens: [[Token]]
    }

    let identity: AnswerIdentity
    let options: GenerationOptions
    /// The seed of each prompt's first choice; the choices behind it count up from there.
    let seed: UInt64
    /// A request for each choice; the choices of one prompt stand together. Nothing holds them to ``pending`` yet.
    private(set) var requests: [GenerationRequest]
    /// What the text must be, as long as it is not compiled; nil for anything.
    private(set) var pending: PendingConstraint?
    /// Cuts the text of a choice, at the beginning of the answer.
    let splitter: AnswerSplitter
    /// The texts that the choices go on behind; empty without a resumption.
    let given: [String]
    /// Whether no generated token is part of the answer.
    var generatesNothing = false

    /// - Parameters:
    ///   - splitter: cuts the text of a choice.
    ///   - kind: what the answer's id begins with.
    ///   - request: who asks, and under which name.
    ///   - name: the model that the client asked for.
    ///   - beginning: where the text begins that the request may constrain.
    ///   - start: what the answer gets if the request does not say.
    /// - Throws: ``APIError`` if a prompt is empty or too long, the resumption does not fit, or the model is another.
    init(
        _ options: GenerationOptions,
        _ prompts: Prompts,
        logProbabilities: LogProbabilityRequest?,
        splitter: AnswerSplitter = AnswerSplitter(),
        kind: String,
        of request: APIRequest,
        model: ServedModel,
        name: String?,
        beginning: Constraint.Beginning = .first,
        start: AnswerStart = .now()
    ) throws(APIError) {
        self.options = options
        self.splitter = splitter
        identity = AnswerIdentity(
            id: options.resume?.id ?? "\(kind)-\(String(start.number, radix: 36))",
            created: options.resume?.created ?? start.created,
            model: try model.name(for: name),
            fingerprint: model.fingerprint
        )
        seed = options.seed ?? start.seed
        try Self.checkCount(of: prompts, options)
        var text = CompletionText(
            tokenizer: model.tokenizer,
            stops: options.stops,
            shown: model.shownMarkers.union(splitter.calls == nil ? [] : model.toolMarkers)
        )
        if splitter.calls?.isLimited == true { text.end(with: splitter) }
        var first = Self.request(options, text, model.tokenizer)
        first.sampling.seed = seed
        first.logProbabilities = logProbabilities
        first.tenant = request.tenant
        first.name = RequestName(
            id: request.id,
            answer: identity.id,
            trace: request.trace,
            created: identity.created
        )
        requests = try Self.requests(first, options, prompts, contextLength: model.contextLength)
        given = requests.map { Self.text(of: $0, text) }
        // Compiled later, since that may take long: a request that is refused anyway does not need it.
        pending = options.constraint.map {
            PendingConstraint($0, beginning: beginning, tokenizer: model.tokenizer, resumed: options.resume?.tokens)
        }
    }

    /// Holds the text to what has been compiled.
    mutating func hold(to constraint: Constraint) {
        for choice in requests.indices { requests[choice].constraint = constraint }
        pending = nil
    }

    /// What all choices have of their request's options.
    private static func request(
        _ options: GenerationOptions,
        _ text: CompletionText,
        _ tokenizer: Tokenizer
    ) -> GenerationRequest {
        var request = GenerationRequest(
            prompt: [],
            sampling: options.sampling,
            maximumTokens: 0,
            stopTokens: (options.ignoresEnd ? [] : tokenizer.endOfGeneration).union(options.stopTokens),
            text: text
        )
        request.draftLimit = options.draftLimit
        request.cacheSalt = options.cacheSalt
        request.prediction = options.prediction.map { tokenizer.encode($0, parseSpecial: false) } ?? []
        return request
    }

    /// A request for each choice, all like `first` but for their prompts, limits and seeds.
    private static func requests(
        _ first: GenerationRequest,
        _ options: GenerationOptions,
        _ prompts: Prompts,
        contextLength: Int
    ) throws(APIError) -> [GenerationRequest] {
        var requests: [GenerationRequest] = []
        for tokens in prompts.tokens {
            guard !tokens.isEmpty else {
                throw .invalidRequest("\(prompts.field) holds no tokens; give at least one", param: prompts.field)
            }
            guard tokens.count < contextLength else {
                throw .contextExceeded(tokens: tokens.count, context: contextLength, param: prompts.field)
            }
            let room = contextLength - tokens.count
            for choice in 0..<options.choices {
                var request = first
                request.prompt = tokens
                request.maximumTokens = min(options.maximumTokens ?? room, room)
                request.minimumTokens = min(options.minimumTokens, request.maximumTokens)
                request.sampling.seed &+= UInt64(choice)
                request.name?.choice = requests.count
                if let resume = options.resume { request.generated = resume.tokens[requests.count] ?? [] }
                requests.append(request)
            }
        }
        return requests
    }

    /// What the head of the answer says of it, before its first byte.
    var headers: HTTPFields { [.pacelineSeed: "\(seed)"] }

    /// Whether the client has what comes before a choice's tokens, such as the prompt that it repeats.
    func hasBegun(_ choice: Int) -> Bool {
        options.resume?.tokens[choice] != nil
    }

    private static func checkCount(of prompts: Prompts, _ options: GenerationOptions) throws(APIError) {
        let count = prompts.tokens.count * options.choices
        guard count <= GenerationOptions.choiceLimit else {
            throw .invalidRequest(
                "\(prompts.tokens.count) prompts with \(options.choices) choices are \(count) texts, but one request "
                    + "may have at most \(GenerationOptions.choiceLimit); send several requests",
                param: prompts.tokens.count > options.choices ? prompts.field : "n"
            )
        }
        guard let resumed = options.resume?.tokens.count, resumed != count else { return }
        throw .invalidRequest(
            "resume.tokens has the tokens of \(resumed) choices, but the request has \(count)",
            param: "resume.tokens"
        )
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
        // With the last token that there may be, all of the text is certain.
        return request.generated.count < request.maximumTokens ? given : given + text.finish(at: nil)
    }
}

/// What an answer owes to the moment in which it began, and not to its request.
package struct AnswerStart: Sendable {
    /// Names the answer.
    package var number: UInt64
    /// Seconds since 1970.
    package var created: Int
    /// Of a request that has none.
    package var seed: UInt64

    package init(number: UInt64, created: Int, seed: UInt64) {
        (self.number, self.created, self.seed) = (number, created, seed)
    }

    static func now() -> AnswerStart {
        AnswerStart(
            number: .random(in: .min ... .max),
            created: time(nil),
            // Below 2^53, so that clients that read JSON numbers as doubles get the same seed.
            seed: .random(in: 0..<(1 << 53))
        )
    }
}
