/// A binary heap that yields its least element first. Equal elements come out in any order.
///
/// Public, not `package`: the compiler specialises for other modules only what is public (Swift 6.3). A simulation's
/// queue of events would spend most of its time on asking what its elements are.
public struct Heap<Element: Comparable> {
    @usableFromInline var elements: [Element] = []

    /// A heap of nothing.
    @inlinable
    public init() {}

    /// The element that ``popFirst()`` would return.
    @inlinable
    public var first: Element? { elements.first }

    /// How many elements it holds.
    @inlinable
    public var count: Int { elements.count }

    /// Adds an element, in the logarithm of ``count`` steps.
    @inlinable
    public mutating func insert(_ element: Element) {
        elements.append(element)
        var hole = elements.count - 1
        while hole > 0 {
            let parent = (hole - 1) / 2
            guard element < elements[parent] else { break }
            elements[hole] = elements[parent]
            hole = parent
        }
        elements[hole] = element
    }

    /// Takes the least element out; nil if there is none.
    @inlinable
    public mutating func popFirst() -> Element? {
        guard let last = elements.popLast() else { return nil }
        guard let first = elements.first else { return last }
        sink(last)
        return first
    }

    /// Puts an element in the place of the root, and moves it down to where it belongs.
    @inlinable
    mutating func sink(_ element: Element) {
        var hole = 0
        while true {
            var least = 2 * hole + 1
            guard least < elements.count else { break }
            if least + 1 < elements.count, elements[least + 1] < elements[least] { least += 1 }
            guard elements[least] < element else { break }
            elements[hole] = elements[least]
            hole = least
        }
        elements[hole] = element
    }
}

extension Heap: Sendable where Element: Sendable {}
