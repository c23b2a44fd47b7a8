/// A small map that keeps its entries in ascending order of their keys, so that effects come in the same order in every
/// run. A dictionary's order differs from process to process.
struct SortedTable<Key: Hashable & Comparable & Sendable, Value: Sendable>: Sendable {
    private(set) var keys: [Key] = []
    private(set) var values: [Value] = []

    var count: Int { keys.count }
    var isEmpty: Bool { keys.isEmpty }

    /// The value for `key`; setting nil removes it.
    subscript(key: Key) -> Value? {
        _read {
            if let index = index(of: key) {
                yield values[index]
            } else {
                yield nil
            }
        }
        set {
            let place = insertionIndex(of: key)
            let isPresent = place < keys.count && keys[place] == key
            if let newValue {
                if isPresent {
                    values[place] = newValue
                } else {
                    keys.insert(key, at: place)
                    values.insert(newValue, at: place)
                }
            } else if isPresent {
                keys.remove(at: place)
                values.remove(at: place)
            }
        }
    }

    /// Changes the value for `key` in place; nil if there is none.
    @discardableResult
    mutating func update<Output>(_ key: Key, _ body: (inout Value) -> Output) -> Output? {
        index(of: key).map { body(&values[$0]) }
    }

    /// Changes the value for `key` in place; nil if there is none, or if `body` returns nil.
    @discardableResult
    mutating func update<Output>(_ key: Key, _ body: (inout Value) -> Output?) -> Output? {
        index(of: key).flatMap { body(&values[$0]) }
    }

    /// What `body` finds in the value for `key`, which is read in its place; nil if there is none, or if `body`
    /// returns nil. The subscript copies the value.
    func read<Output>(_ key: Key, _ body: (borrowing Value) -> Output?) -> Output? {
        guard let index = index(of: key) else { return nil }
        return values.withUnsafeBufferPointer { body($0[index]) }
    }

    /// The least of what `measure` finds in the values, which are read in their places.
    func least<Measure: Comparable>(_ measure: (borrowing Value) -> Measure?) -> Measure? {
        values.withUnsafeBufferPointer { values in
            var least: Measure?
            for index in values.indices {
                guard let next = measure(values[index]) else { continue }
                least = least.map { min($0, next) } ?? next
            }
            return least
        }
    }

    /// The keys, in ascending order, of the values that `condition` holds for. Values are read in their places.
    func keys(where condition: (borrowing Value) -> Bool) -> [Key] {
        values.withUnsafeBufferPointer { values in
            values.indices.filter { condition(values[$0]) }.map { keys[$0] }
        }
    }

    /// The least key of a value that `condition` holds for. Values are read in their places.
    func firstKey(where condition: (borrowing Value) -> Bool) -> Key? {
        values.withUnsafeBufferPointer { values in
            values.indices.first { condition(values[$0]) }.map { keys[$0] }
        }
    }

    /// How many values `condition` holds for. They are read in their places.
    func count(where condition: (borrowing Value) -> Bool) -> Int {
        values.withUnsafeBufferPointer { values in values.indices.count { condition(values[$0]) } }
    }

    func contains(_ key: Key) -> Bool {
        index(of: key) != nil
    }

    private func index(of key: Key) -> Int? {
        let place = insertionIndex(of: key)
        return place < keys.count && keys[place] == key ? place : nil
    }

    /// Binary search for the first place whose key is not below `key`.
    private func insertionIndex(of key: Key) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
