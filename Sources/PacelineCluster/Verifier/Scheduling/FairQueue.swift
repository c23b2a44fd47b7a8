/// Elements that wait, taken in turns: the oldest of one tenant, then the oldest of the next. So a tenant with a long
/// line holds up the first of another by one element at most.
package struct FairQueue<Element: Sendable>: Sendable {
    private struct Line {
        let tenant: Tenant
        /// Oldest first; never empty.
        var elements: [Element]
    }

    /// In the order of their turns.
    private var lines: [Line] = []
    package private(set) var count = 0

    package init() {}

    var isEmpty: Bool { count == 0 }

    /// Elements of one tenant.
    package func count(of tenant: Tenant) -> Int {
        lines.first { $0.tenant == tenant }?.elements.count ?? 0
    }

    /// The element whose turn it is.
    var next: Element? {
        lines.first?.elements.first
    }

    package mutating func append(_ element: Element, of tenant: Tenant) {
        count += 1
        if let place = lines.firstIndex(where: { $0.tenant == tenant }) {
            lines[place].elements.append(element)
        } else {
            lines.append(Line(tenant: tenant, elements: [element]))
        }
    }

    /// Takes out the element whose turn it is; then it is another tenant's turn.
    package mutating func removeNext() -> Element? {
        guard !lines.isEmpty else { return nil }
        count -= 1
        var line = lines.removeFirst()
        let element = line.elements.removeFirst()
        if !line.elements.isEmpty { lines.append(line) }
        return element
    }

    /// Takes out an element before its turn; nil if there is no such element.
    package mutating func remove(where isWanted: (Element) -> Bool) -> Element? {
        for place in lines.indices {
            guard let index = lines[place].elements.firstIndex(where: isWanted) else { continue }
            count -= 1
            let element = lines[place].elements.remove(at: index)
            if lines[place].elements.isEmpty { lines.remove(at: place) }
            return element
        }
        return nil
    }

    /// Takes out everything, in the order of the turns.
    mutating func removeAll() -> [Element] {
        var all: [Element] = []
        while let element = removeNext() { all.append(element) }
        return all
    }
}
