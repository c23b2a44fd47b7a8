import ArgumentParser
import PacelineSpeculation

/// Token ids on the command line: `1,2,3`.
struct TokenList: ExpressibleByArgument {
    let tokens: [Token]

    init?(argument: String) {
        var tokens: [Token] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let token = Token(part.filter { $0 != " " }) else { return nil }
            tokens.append(token)
        }
        self.tokens = tokens
    }
}
