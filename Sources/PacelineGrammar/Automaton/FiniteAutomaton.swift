/// A deterministic finite automaton over bytes. State 0 is the start; there are no states without a way to the end.
struct FiniteAutomaton: Sendable {
    private let classes: ByteClasses
    /// By state and byte class; -1 for none.
    private let steps: [Int32]
    private let accepting: [Bool]

    /// Has no text.
    static let none = FiniteAutomaton(classes: ByteClasses(), steps: [], accepting: [])

    var stateCount: Int { accepting.count }

    func accepts(_ state: Int) -> Bool { accepting[state] }

    func byteClass(_ byte: UInt8) -> Int { Int(classes.classes[Int(byte)]) }

    func next(_ state: Int, _ byte: UInt8) -> Int? {
        let next = steps[state * classes.count + byteClass(byte)]
        return next < 0 ? nil : Int(next)
    }

    func accepts(_ text: some Sequence<UInt8>) -> Bool {
        guard stateCount > 0 else { return false }
        var state = 0
        for byte in text {
            guard let next = next(state, byte) else { return false }
            state = next
        }
        return accepting[state]
    }

    /// Follows `next` from a start to all states that it reaches.
    ///
    /// - Returns: nil if there are more states than allowed.
    static func explore<State: Hashable>(
        from start: State,
        classes: ByteClasses,
        limit: Int,
        accepts: (State) -> Bool,
        next: (State, UInt8) -> State?
    ) -> FiniteAutomaton? {
        var numbers = [start: Int32(0)]
        var states = [start]
        var steps: [Int32] = []
        let representatives = classes.representatives
        var place = 0
        while place < states.count {
            for byte in representatives {
                guard let target = next(states[place], byte) else {
                    steps.append(-1)
                    continue
                }
                let number = numbers[target] ?? Int32(states.count)
                if Int(number) == states.count {
                    guard states.count < limit else { return nil }
                    numbers[target] = number
                    states.append(target)
                }
                steps.append(number)
            }
            place += 1
        }
        return FiniteAutomaton(classes: classes, steps: steps, accepting: states.map(accepts)).trimmed
    }

    /// The automaton without states from which no text ends.
    private var trimmed: FiniteAutomaton {
        let width = classes.count
        var sources = [[Int32]](repeating: [], count: stateCount)
        for (place, target) in steps.enumerated() where target >= 0 {
            sources[Int(target)].append(Int32(place / width))
        }
        var isLive = accepting
        var pending = (0..<Int32(stateCount)).filter { accepting[Int($0)] }
        while let state = pending.popLast() {
            for source in sources[Int(state)] where !isLive[Int(source)] {
                isLive[Int(source)] = true
                pending.append(source)
            }
        }
        guard isLive.first == true else { return FiniteAutomaton(classes: classes, steps: [], accepting: []) }
        var numbers = [Int32](repeating: -1, count: stateCount)
        var count: Int32 = 0
        for state in 0..<stateCount where isLive[state] {
            numbers[state] = count
            count += 1
        }
        let live = (0..<stateCount).filter { isLive[$0] }
        return FiniteAutomaton(
            classes: classes,
            steps: live.flatMap { state in
                steps[state * width..<(state + 1) * width].map { $0 < 0 ? -1 : numbers[Int($0)] }
            },
            accepting: live.map { accepting[$0] }
        )
    }

    private init(classes: ByteClasses, steps: [Int32], accepting: [Bool]) {
        (self.classes, self.steps, self.accepting) = (classes, steps, accepting)
    }

    /// The texts of a grammar without recursion.
    ///
    /// - Returns: nil if there are more states than allowed.
    init?(_ grammar: Grammar, limit: Int) {
        let automaton = GrammarAutomaton(grammar)
        let found = Self.explore(
            from: automaton.start,
            classes: grammar.classes,
            limit: limit,
            accepts: { automaton.isComplete($0) },
            next: { state, byte in
                let next = automaton.next(state, byte)
                return next == .dead ? nil : next
            }
        )
        guard let found else { return nil }
        self = found
    }

    /// Texts of both.
    func intersection(_ other: FiniteAutomaton, limit: Int) -> FiniteAutomaton? {
        product(other, limit: limit, isEither: false)
    }

    /// Texts of this one that are not texts of the other.
    func subtracting(_ other: FiniteAutomaton, limit: Int) -> FiniteAutomaton? {
        product(other, limit: limit, isEither: true)
    }

    private func product(_ other: FiniteAutomaton, limit: Int, isEither isDifference: Bool) -> FiniteAutomaton? {
        guard stateCount > 0 else { return self }
        var both = classes
        both.refine { other.byteClass($0) }
        // -1 stands for the state of the other automaton in which nothing is accepted any more.
        return Self.explore(
            from: SIMD2<Int32>(0, other.stateCount > 0 ? 0 : -1),
            classes: both,
            limit: limit,
            accepts: { pair in
                accepting[Int(pair.x)] && (pair.y >= 0 && other.accepting[Int(pair.y)]) != isDifference
            },
            next: { pair, byte in
                guard let first = next(Int(pair.x), byte) else { return nil }
                let second = pair.y < 0 ? nil : other.next(Int(pair.y), byte)
                guard isDifference || second != nil else { return nil }
                return SIMD2(Int32(first), second.map(Int32.init) ?? -1)
            }
        )
    }
}
