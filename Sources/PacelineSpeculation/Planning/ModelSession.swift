/// A tree, as far as it matters to a ``DraftingModel``: how much of the target's own text it has.
struct TextCover: Hashable {
    /// Committed tokens at its root.
    var root = 0
    /// Tokens of the target's text below the root that it has, one after the other.
    var count = 0
    var levels = 0

    /// The base has grown to a position.
    mutating func follow(_ position: Int) {
        let gained = position - root
        let survives = gained <= count
        count = survives ? count - gained : 0
        levels = survives ? max(0, levels - gained) : 0
        root = position
    }
}

/// A sequence at one of its workers.
struct ModelSession {
    let sequence: Int
    /// As the worker has it, and as the verifier has it.
    private(set) var drafted = TextCover()
    private(set) var arrived = TextCover()
    /// On its way to the verifier, in order.
    private var underway: [(at: Double, cover: TextCover)] = []

    init(sequence: Int) {
        self.sequence = sequence
    }

    /// The worker has taken a turn for it.
    ///
    /// - Parameters:
    ///   - covers: whether that added the next token of the target's text.
    ///   - arrival: when the verifier has it.
    mutating func grow(covers: Bool, arrival: Double) {
        drafted.levels += 1
        if covers { drafted.count += 1 }
        underway.append((arrival, drafted))
    }

    /// The worker has learned how far the base has grown.
    mutating func follow(_ position: Int) {
        drafted.follow(position)
    }

    /// Takes what has come to the verifier.
    mutating func receive(now: Double) {
        var arrivals = 0
        while arrivals < underway.count, underway[arrivals].at <= now {
            arrived = underway[arrivals].cover
            arrivals += 1
        }
        underway.removeFirst(arrivals)
    }
}
