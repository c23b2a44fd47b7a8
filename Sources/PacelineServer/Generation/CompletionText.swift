import PacelineCluster
package import PacelineModel
package import PacelineSpeculation

/// Builds a request's text from whole characters, up to a stop string.
package struct CompletionText: TextAssembling {
    private let tokenizer: Tokenizer
    /// Special tokens that show by name; others add no text.
    private let shown: Set<Token>
    private var detokenizer: IncrementalDetokenizer
    private var matcher: StopMatcher
    /// Says that nothing more can come; nil where that is not so before the end.
    private var splitter: AnswerSplitter?
    /// The stop string that has ended the text.
    package private(set) var stop: String?

    package init(tokenizer: Tokenizer, stops: [String], shown: Set<Token> = []) {
        self.tokenizer = tokenizer
        self.shown = shown
        detokenizer = IncrementalDetokenizer(tokenizer)
        matcher = StopMatcher(stops, tokenizer: tokenizer)
    }

    /// Has the text end where `splitter` says that nothing more can come.
    mutating func end(with splitter: AnswerSplitter) {
        self.splitter = splitter
    }

    package mutating func append(_ token: Token, mayStop: Bool) -> (text: String, isStopped: Bool) {
        do throws(TokenizerError) {
            let text = try detokenizer.append(token)
            let output =
                try tokenizer.isSpecial(token) && !shown.contains(token)
                ? matcher.append(special: token, mayStop: mayStop)
                : matcher.append(shown.contains(token) ? name(of: token) : text, mayStop: mayStop)
            stop = output.stop
            _ = splitter?.append(output.text)
            return (output.text, stop != nil || (mayStop && splitter?.isFull == true))
        } catch {
            // The target cannot emit a token outside its vocabulary; such a token would have no text.
            return ("\u{FFFD}", false)
        }
    }

    private func name(of token: Token) throws(TokenizerError) -> String {
        String(decoding: try tokenizer.bytes(of: token), as: UTF8.self)
    }

    package mutating func finish(at end: Token?) -> String {
        let rest = matcher.append(detokenizer.finish())
        stop = rest.stop
        guard rest.stop == nil else { return rest.text }
        // A stop string may end with the name of the end-of-text token.
        guard let end else { return rest.text + matcher.finish() }
        let last = matcher.append(special: end)
        stop = last.stop
        return rest.text + last.text + (last.stop == nil ? matcher.finish() : "")
    }
}
