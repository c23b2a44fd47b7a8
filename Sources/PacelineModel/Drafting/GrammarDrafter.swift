package import PacelineSpeculation

/// Drafts what a grammar forces, and where it leaves a small choice, what the text has chosen before.
///
/// From where the text stands, the drafter follows the grammar byte by byte while few bytes are legal: brackets, names
/// of properties, words of an enumeration. The texts that this gives are cut into the target's tokens, of which the
/// first ones are proposed. In free text, such as a string, it proposes the tokens that end it. Needs a constraint and
/// the target's tokenizer; without a constraint it proposes nothing. Lossless, since only the target chooses.
package struct GrammarDrafter: Drafter {
    typealias Place = ConstraintCursor.Place

    /// How a text may go on.
    private struct Branches {
        var bytes: [UInt8]
        var places: [Place]
        /// The text may end here.
        var isComplete: Bool
        /// There are too many for a guess.
        var isFree: Bool { bytes.count > GrammarDrafter.choices }
    }

    /// A text that may follow.
    private struct Continuation {
        var bytes: [UInt8] = []
        var place: Place
        var context: TextHabits.Context
        var probability = 1.0
    }

    /// More different bytes than this are free text.
    private static let choices = 32
    /// Bytes to look ahead: as many as decide about the first token.
    private static let length = 24
    /// Texts that are less probable are not followed.
    private static let leastProbability = 0.02
    /// The probability that a token ends where what is known of the text does.
    private static let boundary = 0.85
    /// Bytes of a prompt from which habits are learned.
    private static let promptBytes = 4096
    /// Numbers of four bytes that the grammar's states may take.
    private static let sizeLimit = 1 << 22
    /// Entries of each memory.
    private static let memory = 4096

    private let compiler: ConstraintCompiler
    private var cursor: ConstraintCursor?
    /// Tokens of the prompt that have not come yet.
    private var promptLeft = 0
    private var habits = TextHabits()
    private var endings = EndingStatistics()
    private var branches: [Place: Branches] = [:]
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
        (habits, endings, branches) = (TextHabits(), EndingStatistics(), [:])
        cursor = constraint.map { ConstraintCursor($0) }
        promptLeft = promptLength
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
        let branches = branches(at: place, of: cursor)
        if branches.isFree, let first = bytes.first, let next = branches.bytes.firstIndex(of: first) {
            endings.record(isEnding(first, branches.places[next], cursor), behind: habits.context)
        }
        habits.append(bytes)
    }

    // MARK: Proposing

    package mutating func expand(_ tree: TokenTree, at nodes: [NodeIndex?], width: Int) throws -> [[Candidate]] {
        guard let cursor, promptLeft == 0, cursor.size < Self.sizeLimit else { return nodes.map { _ in [] } }
        return try nodes.map { node in
            var start = Continuation(place: cursor.place, context: habits.context)
            for token in tree.tokens(onPathTo: node) {
                guard let next = cursor.place(behind: token, at: start.place) else { return [] }
                start.place = next
                for byte in try tokenizer.bytes(of: token) { start.context.append(byte) }
            }
            return candidates(at: start, cursor, width: width)
        }
    }

    private mutating func candidates(
        at start: Continuation,
        _ cursor: ConstraintCursor,
        width: Int
    ) -> [Candidate] {
        var probabilities: [(token: Token, probability: Double)] = []
        for (bytes, probability, isOpen) in texts(from: start, cursor) {
            guard let token = firstToken(of: bytes), cursor.place(behind: token, at: start.place) != nil else {
                continue
            }
            let reachesEnd = isOpen && tokenizer.vocabulary.bytes(of: token).count == bytes.count
            let share = reachesEnd ? probability * Self.boundary : probability
            if let known = probabilities.firstIndex(where: { $0.token == token }) {
                probabilities[known].probability += share
            } else {
                probabilities.append((token, share))
            }
        }
        probabilities.sort { $0.probability == $1.probability ? $0.token < $1.token : $0.probability > $1.probability }
        return probabilities.prefix(width).map { token, probability in
            Candidate(token: token, logProbability: Float(Double.logarithm(min(1, probability))))
        }
    }

    /// The texts that may follow, as far as they are easy to guess. Those that are open go on in a way that is not.
    private mutating func texts(
        from start: Continuation,
        _ cursor: ConstraintCursor
    ) -> [(bytes: [UInt8], probability: Double, isOpen: Bool)] {
        var texts: [(bytes: [UInt8], probability: Double, isOpen: Bool)] = []
        var waiting = [start]
        while var next = waiting.popLast() {
            let branches = branches(at: next.place, of: cursor)
            if branches.isComplete {
                // Where a text may end and may go on, it does the one as often as the other.
                let share = branches.bytes.isEmpty ? 1 : 0.5
                texts.append((next.bytes, next.probability * share, false))
                next.probability *= 1 - share
            }
            let isEnough = next.bytes.count >= Self.length || (branches.isFree && !next.bytes.isEmpty)
            let ways = isEnough ? [] : self.ways(from: next, branches, cursor)
            waiting += ways
            let rest = next.probability - ways.reduce(0) { $0 + $1.probability }
            if rest > Self.leastProbability { texts.append((next.bytes, rest, true)) }
        }
        return texts.filter { !$0.bytes.isEmpty }
    }

    /// A text with one more byte, for each that is probable enough.
    private mutating func ways(
        from text: Continuation,
        _ branches: Branches,
        _ cursor: ConstraintCursor
    ) -> [Continuation] {
        var (bytes, places) = (branches.bytes, branches.places)
        var probability = text.probability
        if branches.isFree {
            let endings = zip(bytes, places).filter { isEnding($0, $1, cursor) }
            (bytes, places) = (endings.map(\.0), endings.map(\.1))
            probability *= self.endings.probability(behind: text.context)
        }
        guard !bytes.isEmpty else { return [] }
        let shares = bytes.count == 1 ? [1] : habits.probabilities(of: bytes, in: text.context)
        var ways: [Continuation] = []
        for (index, share) in shares.enumerated() where probability * share > Self.leastProbability {
            var way = Continuation(bytes: text.bytes, place: places[index], context: text.context)
            way.bytes.append(bytes[index])
            way.context.append(bytes[index])
            way.probability = probability * share
            ways.append(way)
        }
        return ways
    }

    /// Whether a byte ends free text. Those that begin a longer character do not.
    private mutating func isEnding(_ byte: UInt8, _ place: Place, _ cursor: ConstraintCursor) -> Bool {
        byte < 0x80 && !branches(at: place, of: cursor).isFree
    }

    private mutating func branches(at place: Place, of cursor: ConstraintCursor) -> Branches {
        if let known = branches[place] { return known }
        let following = cursor.continuations(at: place)
        let found = Branches(
            bytes: following.map(\.byte),
            places: following.map(\.place),
            isComplete: cursor.isComplete(at: place)
        )
        if branches.count >= Self.memory { branches = [:] }
        branches[place] = found
        return found
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

/// How often free text ends with the next token, by the byte before.
private struct EndingStatistics: Sendable {
    private enum Kind: Int, CaseIterable {
        case quote, letter, digit, other
    }

    /// What is assumed at first, and for how many trials that counts.
    private static let priors = [0.03, 0.2, 0.25, 0.2]
    private static let priorWeight = 6.0

    private var trials = Array(repeating: 0.0, count: Kind.allCases.count)
    private var successes = Array(repeating: 0.0, count: Kind.allCases.count)

    mutating func record(_ isEnding: Bool, behind context: TextHabits.Context) {
        let kind = kind(context)
        trials[kind] += 1
        if isEnding { successes[kind] += 1 }
    }

    func probability(behind context: TextHabits.Context) -> Double {
        let kind = kind(context)
        return (successes[kind] + Self.priors[kind] * Self.priorWeight) / (trials[kind] + Self.priorWeight)
    }

    private func kind(_ context: TextHabits.Context) -> Int {
        let byte = UInt8(truncatingIfNeeded: context.recent)
        let kind: Kind =
            switch byte {
            case UInt8(ascii: "\""): .quote
            case 0x41...0x5A, 0x61...0x7A, 0x80...: .letter
            case 0x30...0x39: .digit
            default: .other
            }
        return kind.rawValue
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
