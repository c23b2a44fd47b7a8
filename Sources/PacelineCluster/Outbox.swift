/// The effects of a machine's present step, in the order in which its owner carries them out.
///
/// Every machine of this target gives its effects this way: the parts of a step append, and its end takes all.
struct Outbox<Effect: Sendable>: Sendable {
    private var effects: [Effect] = []

    mutating func append(_ effect: Effect) {
        effects.append(effect)
    }

    /// Hands over what the step has brought.
    mutating func take() -> [Effect] {
        defer { effects = [] }
        return effects
    }
}
