/// The latest elements of a sequence, in a memory that does not grow beyond them.
struct Ring<Element: Sendable>: Sendable {
    private let limit: Int
    private var slots: [Element] = []
    /// The oldest element, once all slots are taken.
    private var start = 0

    /// - Parameter limit: at least 1.
    init(limit: Int) {
        self.limit = limit
    }

    var last: Element? { slots.isEmpty ? nil : slots[(start + slots.count - 1) % slots.count] }

    /// Oldest first.
    var elements: [Element] { Array(slots[start...] + slots[..<start]) }

    /// Changes the latest element that fits.
    ///
    /// - Returns: whether there is one.
    @discardableResult
    mutating func updateLast(where fits: (Element) -> Bool, _ body: (inout Element) -> Void) -> Bool {
        guard let place = slots.indices.last(where: { fits(slots[(start + $0) % slots.count]) }) else { return false }
        body(&slots[(start + place) % slots.count])
        return true
    }

    /// Forgets all but the latest elements.
    mutating func trim(to count: Int) {
        guard count < slots.count else { return }
        (slots, start) = (Array(elements.suffix(count)), 0)
    }

    mutating func append(_ element: Element) {
        guard slots.count == limit else { return slots.append(element) }
        slots[start] = element
        start = (start + 1) % limit
    }
}
