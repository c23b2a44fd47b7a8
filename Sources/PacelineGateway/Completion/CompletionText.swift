import PacelineCluster
package import PacelineModel
package import PacelineSpeculation

/// Makes a request's text: characters that are whole, up to a stop string.
package struct CompletionText: TextAssembling {
    private var detokenizer: IncrementalDetokenizer
    private var matcher: StopMatcher

    package init(tokenizer: Tokenizer, stops: [String]) {
        detokenizer = IncrementalDetokenizer(tokenizer)
        matcher = StopMatcher(stops)
    }

    package mutating func append(_ token: Token) -> (text: String, isStopped: Bool) {
        do throws(TokenizerError) {
            let output = matcher.append(try detokenizer.append(token))
            return (output.text, output.stop != nil)
        } catch {
            // The target cannot emit a token outside its own vocabulary; if it did, it would stand for no text.
            return ("\u{FFFD}", false)
        }
    }

    package mutating func finish() -> String {
        let output = matcher.append(detokenizer.finish())
        return output.stop == nil ? output.text + matcher.finish() : output.text
    }
}
