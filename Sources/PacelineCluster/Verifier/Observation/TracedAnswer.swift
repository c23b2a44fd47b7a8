/// The traces of an answer's choices that have ended.
struct TracedAnswer: Sendable {
    /// Rounds that are kept of all choices together. An answer of many choices must not need more memory than others.
    static let roundLimit = 4 * RequestTrace.roundLimit

    private(set) var choices: [RequestTrace]

    init(_ choice: RequestTrace) {
        choices = [choice]
    }

    /// Whether a choice that has ended is another one of this answer. A client may give several answers one name, so
    /// the same choice again begins another answer.
    func has(_ choice: RequestTrace) -> Bool {
        guard let own = choices[0].name, let name = choice.name, choice.tenant == choices[0].tenant else {
            return false
        }
        return (own.id, own.answer) == (name.id, name.answer) && own.trace == name.trace
            && !choices.contains { $0.name?.choice == name.choice }
    }

    mutating func append(_ choice: RequestTrace) {
        choices.append(choice)
        let share = max(2, Self.roundLimit / choices.count)
        for place in choices.indices { choices[place].trim(to: share) }
    }

    /// More tokens of a choice have left.
    mutating func sent(_ tokens: Int, of request: RequestID, now: Instant) {
        guard let place = choices.firstIndex(where: { $0.request == request }) else { return }
        choices[place].sent(tokens, now: now)
    }
}
