import Foundation

/// A bounded first-in first-out queue between an event loop and a thread that blocks on it.
///
/// `offer` never waits, because an event loop must not; `take` does. A full box refuses, so a machine that loses count
/// of its jobs is noticed at once instead of growing a queue.
///
/// Unchecked `Sendable`: every access to the stored state happens with `condition` locked.
final class Mailbox<Element: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private let capacity: Int
    private var elements: [Element] = []
    private var isClosed = false

    init(capacity: Int) {
        self.capacity = capacity
        elements.reserveCapacity(capacity)
    }

    /// Adds `element`; false if the box is full or closed.
    func offer(_ element: Element) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard !isClosed, elements.count < capacity else { return false }
        elements.append(element)
        condition.signal()
        return true
    }

    /// Removes the oldest element, waiting for one; nil once the box is closed, whatever it still holds.
    func take() -> Element? {
        condition.lock()
        defer { condition.unlock() }
        while elements.isEmpty && !isClosed {
            condition.wait()
        }
        return isClosed ? nil : elements.removeFirst()
    }

    /// Drops what is queued and wakes every thread that waits.
    func close() {
        condition.lock()
        defer { condition.unlock() }
        isClosed = true
        elements.removeAll()
        condition.broadcast()
    }
}
