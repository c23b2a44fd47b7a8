package import HTTPTypes

/// The routes of other APIs, each answered by what answers chat.
package enum DialectRoutes {
    /// - Parameters:
    ///   - headers: of the answers that are generated.
    ///   - chat: answers requests for chat.
    ///   - counting: answers how many tokens a conversation of chat takes.
    package static func routes(
        headers: @escaping @Sendable () -> HTTPFields = { [:] },
        chat: @escaping Route.Handler,
        counting: @escaping Route.Handler
    ) -> [Route] {
        [
            Route(.post, "/v1/responses", headers: headers) { request in
                try await ResponsesAnswer(ResponsesRequest(request)).answer(request, by: chat)
            },
            Route(.post, "/v1/messages", headers: headers) { request in
                try await MessagesAnswer(MessagesRequest(request)).answer(request, by: chat)
            },
            Route(.post, "/v1/responses/input_tokens") { request in
                try await TokenCountRequest(request, .responses).answer(request, by: counting)
            },
            Route(.post, "/v1/messages/count_tokens") { request in
                try await TokenCountRequest(request, .messages).answer(request, by: counting)
            },
        ]
    }
}
