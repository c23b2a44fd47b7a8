package import PacelineSpeculation

/// Makes text of a request's tokens as they are committed, and notices where it must end.
///
/// A value per request, fed one token at a time in order, so that a request ends at the same token whether a verdict
/// brought one token or eight.
package protocol TextAssembling: Sendable {
    /// Takes the next token.
    ///
    /// - Returns: text that no later token can change, possibly empty; and whether a stop string is now complete, in
    ///   which case the text ends before it and no further token is handed in.
    mutating func append(_ token: Token) -> (text: String, isStopped: Bool)

    /// The text that was held back (an incomplete character, the beginning of a stop string); called once, at the end
    /// of a request that no stop string ended.
    ///
    /// - Parameter end: the stop token that ended the request, if one did; it carries no text.
    mutating func finish(at end: Token?) -> String
}
