import PacelineChat
package import PacelineGrammar
package import PacelineSpeculation

/// Follows a constrained text token by token.
///
/// Where it stands depends on the constraint and the tokens it has taken, so it can be made anew from them at any time.
/// One thread uses it at a time.
package final class ConstraintCursor {
    /// Where a text stands. Places may be kept and gone on from in any order, as in a tree; they belong to their
    /// cursor.
    package enum Place: Hashable {
        /// Before the first token of an answer that may begin with thoughts.
        case open
        /// In the thoughts, whose last bytes are the first `matched` ones of their end marker.
        case thinking(matched: Int)
        case text(GrammarMatcher.State)
    }

    /// In no vocabulary.
    private static let noToken = Token.max

    private let tokenizer: Tokenizer
    private let matcher: GrammarMatcher
    private let begin: Token?
    package private(set) var place: Place
    /// The legal tokens in the thoughts, by how much of their end marker there is.
    private var thoughtMasks: [Int: TokenBits] = [:]
    /// Tokens taken.
    package private(set) var count = 0
    /// How much larger looking at trees may still make the matcher.
    private var growth = ConstraintCursor.growthLimit

    package init(_ constraint: Constraint) {
        tokenizer = constraint.tokenizer
        matcher = GrammarMatcher(constraint.grammar, constraint.tokenizer.trie)
        begin = constraint.beginning == .afterOptionalThoughts ? tokenizer.marker(ReasoningSplitter.begin) : nil
        place =
            switch constraint.beginning {
            case .first: .text(matcher.start)
            case .afterOptionalThoughts: .open
            case .afterThoughts: .thinking(matched: 0)
            }
    }

    /// Takes the next token.
    ///
    /// - Returns: false if it is not legal; then nothing has changed.
    package func advance(by token: Token) -> Bool {
        guard let next = place(behind: token, at: place) else { return false }
        place = next
        count += 1
        return true
    }

    package func allows(_ token: Token) -> Bool { place(behind: token, at: place) != nil }

    /// How many of some tokens, one behind the other, are legal.
    package func legalPrefix(of tokens: [Token]) -> Int {
        var place = place
        for (count, token) in tokens.enumerated() {
            guard let next = self.place(behind: token, at: place) else { return count }
            place = next
        }
        return tokens.count
    }

    /// Numbers of four bytes that the automaton holds; grows with the texts that are tried.
    package var size: Int { matcher.size }

    /// Whether nothing but the end of the text is legal.
    package var isFinal: Bool {
        if case .text(let state) = place { matcher.isFinal(state) } else { false }
    }

    /// The bytes that must follow; empty where there is a choice.
    package func forced(limit: Int) -> [UInt8] {
        if case .text(let state) = place { matcher.forced(state, limit: limit) } else { [] }
    }

    /// The legal tokens.
    package var mask: TokenBits { mask(at: place) }

    /// The legal tokens at a place of this cursor.
    package func mask(at place: Place) -> TokenBits {
        switch place {
        case .text(let state): return matcher.mask(state)
        case .open:
            var mask = matcher.mask(matcher.start)
            if let begin { mask.insert(begin) }
            return mask
        case .thinking(let matched):
            if let known = thoughtMasks[matched] { return known }
            var mask = TokenBits(count: tokenizer.tokenCount)
            for token in 0..<Token(tokenizer.tokenCount) where self.place(behind: token, at: place) != nil {
                mask.insert(token)
            }
            thoughtMasks[matched] = mask
            return mask
        }
    }

    /// The place behind a token at a place of this cursor; nil if the token is not legal there.
    package func place(behind token: Token, at place: Place) -> Place? {
        guard token < tokenizer.tokenCount else { return nil }
        switch place {
        case .text(let state): return text(state, token)
        case .open: return token == begin ? .thinking(matched: 0) : text(matcher.start, token)
        case .thinking(let matched):
            guard !tokenizer.endOfGeneration.contains(token) else { return nil }
            return thought(matched, token, tokenizer.vocabulary.bytes(of: token))
        }
    }

    /// The place behind bytes that are no control token, at a place of this cursor; nil if they are not legal there.
    package func place(behindText bytes: ArraySlice<UInt8>, at place: Place) -> Place? {
        guard !bytes.isEmpty else { return place }
        switch place {
        case .text(let state): return matcher.advance(state, by: Self.noToken, bytes: bytes).map { .text($0) }
        case .open: return matcher.advance(matcher.start, by: Self.noToken, bytes: bytes).map { .text($0) }
        case .thinking(let matched): return thought(matched, Self.noToken, bytes)
        }
    }

    private func text(_ state: GrammarMatcher.State, _ token: Token) -> Place? {
        let isControl = Tokenizer.specialKinds.contains(tokenizer.vocabulary.kind(of: token))
        let bytes = isControl ? [] : tokenizer.vocabulary.bytes(of: token)
        return matcher.advance(state, by: token, bytes: bytes).map { .text($0) }
    }

    /// Thoughts are free, but must come to their end before the answer does.
    private func thought(_ matched: Int, _ token: Token, _ bytes: ArraySlice<UInt8>) -> Place? {
        let marker = Array(ReasoningSplitter.end.utf8)
        var matched = matched
        for (offset, byte) in zip(bytes.indices, bytes) {
            // A marker's first byte is in no other place of it.
            matched = byte == marker[matched] ? matched + 1 : byte == marker[0] ? 1 : 0
            guard matched == marker.count else { continue }
            let rest = bytes[(offset + 1)...]
            guard !rest.isEmpty else { return .text(matcher.start) }
            return matcher.advance(matcher.start, by: token, bytes: rest).map { .text($0) }
        }
        return .thinking(matched: matched)
    }
}

// MARK: Looking ahead

extension ConstraintCursor {
    /// The bytes that may follow at a place of this cursor, by the place behind them. None in thoughts, where nearly
    /// all may.
    package func continuations(at place: Place) -> [(bytes: ByteSet, place: Place)] {
        guard case .text(let state) = place else { return [] }
        return matcher.continuations(of: state).map { ($0.bytes, .text($0.state)) }
    }

    /// Whether the text may end at a place of this cursor.
    package func isComplete(at place: Place) -> Bool {
        if case .text(let state) = place { matcher.isComplete(state) } else { false }
    }
}

// MARK: Trees

extension ConstraintCursor {
    /// By how many numbers of four bytes all trees together, and one of them, may make the matcher larger.
    private static let growthLimit = 1 << 22
    private static let growthOfTree = 1 << 17

    /// The nodes of a tree that a text can go on with from where it stands; ascending.
    ///
    /// Whoever drafts a tree may lead it deep into a large grammar, whose states are made as they are reached. When
    /// that has taken its share of memory and time, nodes that lead to new places count as legal without a look.
    package func legalNodes(of tree: TokenTree) -> [NodeIndex] {
        let size = matcher.size
        let limit = min(growth, Self.growthOfTree)
        var standings: [Standing] = []
        for node in tree.indices {
            let before = tree.parent(of: node).map { standings[$0] } ?? .at(place)
            guard case .at(let before) = before else {
                standings.append(before)
                continue
            }
            let isTooLarge = matcher.size - size >= limit
            let next = isTooLarge ? nil : self.place(behind: tree.token(of: node), at: before)
            standings.append(isTooLarge ? .unseen : next.map { .at($0) } ?? .illegal)
        }
        growth -= min(growth, matcher.size - size)
        return tree.indices.filter { if case .illegal = standings[$0] { false } else { true } }
    }

    /// What is known of a node.
    private enum Standing {
        case at(Place)
        case illegal
        /// Nobody has looked.
        case unseen
    }
}

/// The vocabulary has no token with which a text can go on as its grammar demands.
package struct DeadEndError: Error, Equatable, CustomStringConvertible {
    /// Tokens of the text so far.
    package let length: Int

    package init(length: Int) {
        self.length = length
    }

    package var description: String {
        "behind \(length) tokens, no token of the vocabulary goes on with the text as its grammar demands; allow more"
    }
}
