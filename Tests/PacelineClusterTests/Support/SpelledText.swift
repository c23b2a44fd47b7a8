import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// Text of a tokenizer's tokens up to a stop string, as a server makes it.
struct SpelledText: TextAssembling {
    private let tokenizer: Tokenizer
    private var detokenizer: IncrementalDetokenizer
    private var matcher: StopMatcher

    init(_ tokenizer: Tokenizer, stops: [String] = []) {
        self.tokenizer = tokenizer
        detokenizer = IncrementalDetokenizer(tokenizer, showsSpecial: true)
        matcher = StopMatcher(stops)
    }

    mutating func append(_ token: Token, mayStop: Bool) -> (text: String, isStopped: Bool) {
        guard let piece = try? detokenizer.append(token) else { return ("?", false) }
        let output = matcher.append(piece, mayStop: mayStop)
        return (output.text, output.stop != nil)
    }

    mutating func finish(at end: Token?) -> String {
        let rest = matcher.append(detokenizer.finish())
        return rest.text + (rest.stop == nil ? matcher.finish() : "")
    }
}
