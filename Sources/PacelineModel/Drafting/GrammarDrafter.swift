package import PacelineSpeculation

/// Drafts what a grammar forces, and where it leaves a small choice, what the text has chosen before.
///
/// From where the text stands, the drafter follows the grammar byte by byte while few bytes are legal: brackets, names
/// of properties, words of an enumeration. The texts that this gives are cut into the target's tokens, of which the
/// first ones are proposed. In free text, such as a string, it proposes the tokens that end it. Needs a constraint and
/// the target's tokenizer; without a constraint it proposes nothing. Lossless, since only the target chooses.
package struct GrammarDrafter: Drafter {
    typealias Place = ConstraintCursor.Place

    /// Bytes that may follow, and how probable they are. Open: what comes behind them is not known.
    private typealias Text = (bytes: [UInt8], probability: Double, isOpen: Bool)

    /// A text that is being followed.
    private struct Continuation {
        var bytes: [UInt8] = []
        var junction: Int
        var context: TextHabits.Context
        var probability = 1.0

        mutating func append(_ byte: UInt8, _ junction: Int) {
            bytes.append(byte)
            context.append(byte)
            self.junction = junction
        }
    }

    /// Bytes to look ahead: as many as decide about the first token.
    private static let length = 16
    /// Texts that are less probable are not followed.
    private static let leastProbability = 0.03
    /// The probability that a token ends where what is known of the text does.
    private static let boundary = 0.85
    /// Bytes of a prompt from which habits are learned.
    private static let promptBytes = 4096
    /// JSON as models mostly write it. Habits begin with it; the prompt and the text soon count for more.
    private static let usualJSON = Array("{\n  \"a\": [\n    {\n      \"b\": 1,\n      \"c\": 2\n    }\n  ]\n}\n".utf8)
    /// Numbers of four bytes that the grammar's states may take.
    private static let sizeLimit = 1 << 22
    /// Entries of each memory.
    private static let memory = 4096

    private let compiler: ConstraintCompiler
    private var cursor: ConstraintCursor?
    private var junctions: ConstraintJunctions?
    /// Tokens of the prompt that have not come yet.
    private var promptLeft = 0
    private var habits = TextHabits()
    private var endings = EndingStatistics()
    private var cuts = TokenCuts()
    /// The texts that were thought to follow in this round, and the first tokens of their encodings.
    private var guesses: [TextHabits.Context: [(bytes: [UInt8], token: Token)]] = [:]
    private var firstTokens: [[UInt8]: Token?] = [:]

    /// - Parameter compiler: for the target's tokens.
    package init(_ compiler: ConstraintCompiler) {
        self.compiler = compiler
    }

    private var tokenizer: Tokenizer { compiler.tokenizer }

    package var isModelFree: Bool { true }

    package mutating func begin(base: [Token], sampling: SamplingParameters) throws {
        try begin(base: base, sampling: sampling, constraint: nil)
    }

    package mutating func begin(base: [Token], sampling: SamplingParameters, constraint: DraftConstraint?) throws {
        let compiled = constraint.flatMap { compiler.constraint($0) }
        try begin(base: base, constraint: compiled, promptLength: constraint?.promptLength ?? 0)
    }

    mutating func begin(base: [Token], constraint: Constraint?, promptLength: Int) throws {
        (habits, endings, cuts, guesses) = (TextHabits(), EndingStatistics(), TokenCuts(), [:])
        cursor = constraint.map { ConstraintCursor($0) }
        junctions = cursor.map { ConstraintJunctions($0) }
        promptLeft = promptLength
        if cursor != nil { habits.append(Self.usualJSON) }
        try append(base)
    }

    package mutating func advance(_ rerooting: Rerooting) throws {
        try append(rerooting.committed)
    }

    private mutating func append(_ tokens: [Token]) throws {
        guard cursor != nil else { return }
        let prompt = tokens.prefix(promptLeft)
        promptLeft -= prompt.count
        var bytes: [UInt8] = []
        for token in prompt.suffix(Self.promptBytes) where try !tokenizer.isSpecial(token) {
            bytes += try tokenizer.bytes(of: token)
        }
        habits.append(bytes.suffix(Self.promptBytes))
        for token in tokens[prompt.endIndex...] { try append(token) }
        guesses = [:]
    }

    private mutating func append(_ token: Token) throws {
        guard let cursor else { return }
        let place = cursor.place
        guard cursor.advance(by: token) else {
            self.cursor = nil
            return
        }
        guard try !tokenizer.isSpecial(token) else { return }
        let bytes = try tokenizer.bytes(of: token)
        if let first = bytes.first, let junction = junctions?.junction(at: place), junctions?.isFree(junction) == true {
            endings.record(junctions?.isEnding(first, at: junction) == true, behind: habits.context)
        }
        if let guess = guesses[habits.context]?.first(where: { $0.bytes.starts(with: bytes) }) {
            cuts.record(isEncoded: guess.token == token)
        }
        cuts.record(token, behind: habits.context)
        habits.append(bytes)
    }

    // MARK: Proposing

    package mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        guard let cursor, var junctions, promptLeft == 0, cursor.size < Self.sizeLimit else {
            return nodes.map { _ in [] }
        }
        self.junctions = nil
        defer { self.junctions = junctions }
        junctions.shrink()
        return try nodes.map { node in
            var (place, context) = (cursor.place, habits.context)
            for token in tree.tokens(onPathTo: node) {
                guard let next = cursor.place(behind: token, at: place) else { return [] }
                place = next
                for byte in try tokenizer.bytes(of: token) { context.append(byte) }
            }
            let start = Continuation(junction: junctions.junction(at: place), context: context)
            return candidates(texts(from: start, &junctions), behind: context, at: place, cursor, width: width)
        }
    }

    private mutating func candidates(
        _ texts: [Text],
        behind context: TextHabits.Context,
        at place: Place,
        _ cursor: ConstraintCursor,
        width: Int
    ) -> [Candidate] {
        var probabilities: [(token: Token, probability: Double)] = []
        for (bytes, probability, isOpen) in texts {
            let encoded = firstToken(of: bytes)
            if let encoded { guesses[context, default: []].append((bytes, encoded)) }
            let vocabulary = tokenizer.vocabulary
            let ways = cuts.tokens(behind: context, encoded: encoded) { bytes.starts(with: vocabulary.bytes(of: $0)) }
            for (token, share) in ways where cursor.place(behind: token, at: place) != nil {
                let reachesEnd = isOpen && vocabulary.bytes(of: token).count == bytes.count
                let probability = probability * share * (reachesEnd ? Self.boundary : 1)
                if let known = probabilities.firstIndex(where: { $0.token == token }) {
                    probabilities[known].probability += probability
                } else {
                    probabilities.append((token, probability))
                }
            }
        }
        probabilities.sort { $0.probability == $1.probability ? $0.token < $1.token : $0.probability > $1.probability }
        return probabilities.prefix(width).map { token, probability in
            Candidate(token: token, logProbability: Float(Double.logarithm(min(1, probability))))
        }
    }

    /// The texts that may follow, as far as they are easy to guess.
    private func texts(from start: Continuation, _ junctions: inout ConstraintJunctions) -> [Text] {
        var texts: [Text] = []
        var waiting = [start]
        while var next = waiting.popLast() {
            while next.bytes.count < Self.length, let byte = junctions.forced(next.junction) {
                next.append(byte, junctions.junction(behind: 0, at: next.junction))
            }
            if junctions.isComplete(next.junction) {
                // Where a text may end and may go on, it does the one as often as the other.
                let share = junctions.isOver(next.junction) ? 1 : 0.5
                texts.append((next.bytes, next.probability * share, false))
                next.probability *= 1 - share
            }
            let isEnough = next.bytes.count >= Self.length
            let ways = isEnough ? [] : self.ways(from: next, &junctions)
            waiting += ways
            let rest = next.probability - ways.reduce(0) { $0 + $1.probability }
            if rest > Self.leastProbability / 10 { texts.append((next.bytes, rest, true)) }
        }
        return texts.filter { !$0.bytes.isEmpty }
    }

    /// A text with one more byte, for each that is probable enough. In free text only the first one is guessed.
    private func ways(from text: Continuation, _ junctions: inout ConstraintJunctions) -> [Continuation] {
        var probability = text.probability
        if junctions.isFree(text.junction) {
            guard text.bytes.isEmpty else { return [] }
            probability *= endings.probability(behind: text.context)
        }
        let choices = junctions.choices(at: text.junction)
        guard probability > Self.leastProbability, !choices.isEmpty else { return [] }
        let shares = habits.probabilities(of: choices, in: text.context)
        var ways: [Continuation] = []
        for (choice, share) in shares.enumerated() where probability * share > Self.leastProbability {
            var way = text
            way.append(choices[choice], junctions.junction(behind: choice, at: text.junction))
            way.probability = probability * share
            ways.append(way)
        }
        return ways
    }

    // MARK: Tokens

    /// The first token of a text that begins where the last token ends; nil if it begins within a character.
    private mutating func firstToken(of bytes: [UInt8]) -> Token? {
        if let known = firstTokens[bytes] { return known }
        let found = tokenizer.firstToken(of: bytes)
        if firstTokens.count >= Self.memory { firstTokens = [:] }
        firstTokens[bytes] = .some(found)
        return found
    }
}

/// How often free text ends with the next token, by the byte before; in numbers, also by how many digits they have: in
/// one text they often have the same.
private struct EndingStatistics: Sendable {
    private enum Kind: Int, CaseIterable {
        case quote, letter, other, firstDigit, secondDigit, laterDigit
    }

    /// What is assumed at first, and for how many trials that counts.
    private static let priors = [0.03, 0.2, 0.2, 0.2, 0.3, 0.3]
    private static let priorWeights = [6.0, 6, 6, 3, 3, 3]

    private var trials = Array(repeating: 0.0, count: Kind.allCases.count)
    private var successes = Array(repeating: 0.0, count: Kind.allCases.count)

    mutating func record(_ isEnding: Bool, behind context: TextHabits.Context) {
        let kind = kind(context)
        trials[kind] += 1
        if isEnding { successes[kind] += 1 }
    }

    func probability(behind context: TextHabits.Context) -> Double {
        let kind = kind(context)
        let weight = Self.priorWeights[kind]
        return (successes[kind] + Self.priors[kind] * weight) / (trials[kind] + weight)
    }

    private func kind(_ context: TextHabits.Context) -> Int {
        let byte = UInt8(truncatingIfNeeded: context.recent)
        let kind: Kind =
            switch byte {
            case UInt8(ascii: "\""): .quote
            case 0x41...0x5A, 0x61...0x7A, 0x80...: .letter
            case 0x30...0x39:
                switch digits(context) {
                case 1: .firstDigit
                case 2: .secondDigit
                default: .laterDigit
                }
            default: .other
            }
        return kind.rawValue
    }

    /// With which the text ends, at most three.
    private func digits(_ context: TextHabits.Context) -> Int {
        (0..<3).prefix { (0x30...0x39).contains(context.recent >> (8 * UInt64($0)) & 0xFF) }.count
    }
}

extension Tokenizer {
    /// The first token of a text that begins where another token has ended; nil if the text begins within a character.
    fileprivate func firstToken(of bytes: [UInt8]) -> Token? {
        let whole = bytes.dropLast(UTF8Scanner.unfinishedCount(of: bytes))
        guard !whole.isEmpty else { return nil }
        // A line break keeps SentencePiece from beginning the text with a space.
        let lead: [UInt8] = algorithm.isSentencePiece ? [UInt8(ascii: "\n")] : []
        guard let tokens = try? encode(bytes: lead + whole, parseSpecial: false) else { return nil }
        var before = lead.isEmpty ? 0 : tokens.reduce(0) { $0 + vocabulary.bytes(of: $1).count } - whole.count
        for token in tokens {
            if before == 0 { return whole.starts(with: vocabulary.bytes(of: token)) ? token : nil }
            before -= vocabulary.bytes(of: token).count
            if before < 0 { return nil }
        }
        return nil
    }
}
