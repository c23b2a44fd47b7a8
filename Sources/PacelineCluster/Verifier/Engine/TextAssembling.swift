package import PacelineSpeculation

/// Makes text of a request's tokens as they are committed, and notices where it must end.
///
/// A value per request. It gets one token at a time, in order. So a request ends at the same token whether a verdict
/// brought one token or eight.
package protocol TextAssembling: Sendable {
    /// Takes the next token.
    ///
    /// - Parameter mayStop: whether a stop string that is complete with this token counts; otherwise it is only text.
    /// - Returns: text that no later token can change, possibly empty, and whether a stop string is now complete. If it
    ///   is, the text ends before the stop string, and no further token is appended.
    mutating func append(_ token: Token, mayStop: Bool) -> (text: String, isStopped: Bool)

    /// The text that was held back: an incomplete character, or the beginning of a stop string. Called once, at the end
    /// of a request that no stop string ended.
    ///
    /// - Parameter end: the stop token that ended the request, if one did; it carries no text.
    mutating func finish(at end: Token?) -> String
}
