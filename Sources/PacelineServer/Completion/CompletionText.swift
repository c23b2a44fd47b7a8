import PacelineCluster
package import PacelineModel
package import PacelineSpeculation

/// Builds a request's text from whole characters, up to a stop string.
package struct CompletionText: TextAssembling {
    private let tokenizer: Tokenizer
    private var detokenizer: IncrementalDetokenizer
    private var matcher: StopMatcher

    package init(tokenizer: Tokenizer, stops: [String]) {
        self.tokenizer = tokenizer
        detokenizer = IncrementalDetokenizer(tokenizer)
        matcher = StopMatcher(stops, tokenizer: tokenizer)
    }

    package mutating func append(_ token: Token, mayStop: Bool) -> (text: String, isStopped: Bool) {
        do throws(TokenizerError) {
            let text = try detokenizer.append(token)
            let output =
                try tokenizer.isSpecial(token)
                ? matcher.append(special: token, mayStop: mayStop) : matcher.append(text, mayStop: mayStop)
            return (output.text, output.stop != nil)
        } catch {
            // The target cannot emit a token outside its vocabulary; such a token would have no text.
            return ("\u{FFFD}", false)
        }
    }

    package mutating func finish(at end: Token?) -> String {
        let rest = matcher.append(detokenizer.finish())
        guard rest.stop == nil else { return rest.text }
        // A stop string may end with the name of the end-of-text token.
        guard let end else { return rest.text + matcher.finish() }
        let last = matcher.append(special: end)
        return rest.text + last.text + (last.stop == nil ? matcher.finish() : "")
    }
}
