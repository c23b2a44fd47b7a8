import PacelineChat
import PacelineCluster
import PacelineGrammar
import PacelineModel
import PacelineSpeculation

/// What is to be generated for a request for chat, and how its answer is written.
struct PlannedChat {
    let plan: AnswerPlan
    let answer: ChatAnswer

    /// - Parameters:
    ///   - record: gets the names of the request's fields.
    ///   - start: what the answer gets if the request does not say.
    /// - Throws: ``APIError`` if the request cannot be served.
    init(
        _ request: APIRequest,
        model: ServedModel,
        record: FieldRecord? = nil,
        start: AnswerStart = .now()
    ) throws(APIError) {
        let fields = try RequestFields(body: request.body, record: record)
        let body = try ChatBody(fields, vocabularySize: model.tokenizer.tokenCount)
        let prompt = try model.prompt(body.conversation)
        let tokens = model.tokens(of: prompt)
        let isContinued = body.conversation.ending == .continuation
        let thoughts: ReasoningSplitter.Start =
            model.renderer.thinks ? .init(after: prompt.tail(after: isContinued ? 1 : 0)) : .content
        var options = body.options
        options.constraint = try Self.constraint(body, model)
        let plan = try AnswerPlan(
            options,
            AnswerPlan.Prompts(field: "messages", tokens: [tokens]),
            logProbabilities: body.logProbabilities.map { LogProbabilityRequest(top: $0) },
            splitter: Self.splitter(body, thoughts, model),
            kind: "chatcmpl",
            of: request,
            model: model,
            name: body.model,
            beginning: Constraint.Beginning(behind: thoughts),
            start: start
        )
        self.plan = plan
        answer = ChatAnswer(
            plan.identity,
            names: TokenNames(tokenizer: model.tokenizer),
            hasLogProbabilities: body.logProbabilities != nil,
            promptTokens: body.options.returnsTokens ? tokens : nil,
            begun: Set(plan.requests.indices.filter { !plan.requests[$0].generated.isEmpty })
        )
    }

    /// What the text must be: what the request asks for or, in a conversation with tools, calls.
    private static func constraint(_ body: ChatBody, _ model: ServedModel) throws(APIError) -> RequestedConstraint? {
        let requested = body.options.constraint
        guard let tools = body.conversation.tools, body.tools.choice != .none else { return requested }
        guard let format = model.renderer.toolCallFormat else {
            guard body.tools.isForced else { return requested }
            throw .invalidRequest(
                "tool_choice asks for a call, but the chat template of \(model.names[0]) says nothing of tools; "
                    + "leave tool_choice out or serve another model",
                param: "tool_choice"
            )
        }
        let grammar = ToolCallGrammar(tools, body.tools, format)
        if body.tools.isForced {
            // A call has no text that a response_format could hold for; clients send it for answers of other turns.
            guard requested?.isResponseFormat ?? true else { throw .textBesideCall(requested?.field) }
            return RequestedConstraint(grammar.calls, "tools", parts: grammar.schemas)
        }
        guard let requested else {
            return grammar.isStrict ? RequestedConstraint(grammar.free, "tools", parts: grammar.schemas) : nil
        }
        // The answer itself is of this form, and calls on the way to it are calls.
        let source = GrammarSource.alternatives([requested.source, grammar.calls])
        return RequestedConstraint(source, requested.field, parts: [requested] + grammar.schemas)
    }

    private static func splitter(
        _ body: ChatBody,
        _ thoughts: ReasoningSplitter.Start,
        _ model: ServedModel
    ) -> AnswerSplitter {
        var splitter = AnswerSplitter()
        if body.splitsReasoning, model.renderer.thinks { splitter.reasoning = ReasoningSplitter(thoughts) }
        if let tools = body.conversation.tools, body.tools.choice != .none, let format = model.renderer.toolCallFormat {
            let limit = body.tools.areParallel ? Int.max : 1
            splitter.calls = ToolCallSplitter(format, tools: ToolDescriptions(tools), limit: limit)
        }
        return splitter
    }
}

extension APIError {
    /// 400: a call is forced, and a grammar of the client's own asks for something else.
    fileprivate static func textBesideCall(_ field: String?) -> APIError {
        .invalidRequest(
            "tool_choice asks for a call, but \(field ?? "a grammar") for another text; leave one out",
            param: field
        )
    }
}

extension Constraint.Beginning {
    /// - Parameter thoughts: where the answer begins.
    init(behind thoughts: ReasoningSplitter.Start) {
        self =
            switch thoughts {
            case .open: .afterOptionalThoughts
            case .reasoning: .afterThoughts
            case .content: .first
            }
    }
}
