/// A set of numbers that are mixed already, so that their bits need no hashing: open addressing, linear probing.
struct MixedSet {
    /// Zero marks a free place.
    private var places = [UInt64](repeating: 0, count: 256)
    private(set) var count = 0
    private var hasZero = false

    mutating func insert(_ number: UInt64) {
        guard number != 0 else { return hasZero = true }
        if 2 * count >= places.count { grow() }
        let place = place(of: number)
        guard places[place] == 0 else { return }
        places[place] = number
        count += 1
    }

    func contains(_ number: UInt64) -> Bool {
        number == 0 ? hasZero : places[place(of: number)] == number
    }

    /// Where a number is, or would be.
    private func place(of number: UInt64) -> Int {
        let mask = places.count - 1
        var place = Int(truncatingIfNeeded: number) & mask
        while places[place] != 0, places[place] != number { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        let old = places
        places = [UInt64](repeating: 0, count: 2 * old.count)
        for number in old where number != 0 { places[place(of: number)] = number }
    }
}
