import PacelineSpeculation

/// Mutates bytes in ways that break parsers: flips, cuts, repeats, splices, and numbers at the edge of their range.
struct ByteMutator {
    /// Most inputs stay small, which allows the most executions per second; a repeat may reach a frame's cap.
    static let usualLimit = 8 << 10
    static let largestLimit = 1 << 20

    var random: SplitMix

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
    }

    /// One or more changes, usually few.
    mutating func mutate(_ bytes: [UInt8], splicing other: [UInt8]) -> [UInt8] {
        var mutated = bytes
        repeat {
            change(&mutated, other)
        } while number(0...2) == 0
        return mutated
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int {
        Int.random(in: range, using: &random)
    }

    mutating func chance(_ one: Int) -> Bool {
        number(1...one) == 1
    }

    mutating func element<Element>(of elements: [Element]) -> Element {
        elements[number(0...elements.count - 1)]
    }

    private mutating func change(_ bytes: inout [UInt8], _ other: [UInt8]) {
        guard !bytes.isEmpty else {
            bytes = other
            return
        }
        let index = number(0...bytes.count - 1)
        switch number(0...9) {
        case 0: bytes[index] ^= 1 << UInt8(number(0...7))
        case 1: bytes[index] = UInt8(number(0...255))
        case 2: bytes[index] = element(of: [0, 1, 0x7f, 0x80, 0xff])
        case 3: bytes.removeSubrange(index..<min(bytes.count, index + number(1...16)))
        case 4: bytes.removeLast(bytes.count - index)
        case 5: bytes.insert(contentsOf: (0..<number(1...8)).map { _ in UInt8(number(0...255)) }, at: index)
        case 6: replaceNumber(&bytes, at: index)
        case 7: repeatRange(&bytes, at: index)
        case 8: splice(&bytes, at: index, other)
        default: swapRanges(&bytes, at: index)
        }
    }

    private mutating func replaceNumber(_ bytes: inout [UInt8], at index: Int) {
        let edges: [UInt64] = [
            0, 1, 31, 32, 33, 127, 128, 511, 512, 513, 65_535, 65_536, 1 << 20, UInt64(Int32.max), 1 << 31,
            UInt64(UInt32.max), 1 << 32, UInt64(Int64.max), 1 << 63, .max,
        ]
        var end = index
        while end < bytes.count - 1, bytes[end] >= 0x80 { end += 1 }
        bytes.replaceSubrange(index...end, with: ProtobufPayload.varint(element(of: edges)))
    }

    private mutating func repeatRange(_ bytes: inout [UInt8], at index: Int) {
        let range = bytes[index..<min(bytes.count, index + number(1...64))]
        let limit = chance(2000) ? Self.largestLimit : Self.usualLimit
        let room = max(0, limit - bytes.count) / range.count
        guard room > 0 else { return }
        let count = chance(4) ? room : number(1...min(room, 16))
        bytes.insert(contentsOf: repeatElement(range, count: count).joined(), at: index)
    }

    private mutating func splice(_ bytes: inout [UInt8], at index: Int, _ other: [UInt8]) {
        guard !other.isEmpty, bytes.count < Self.usualLimit else { return }
        let start = number(0...other.count - 1)
        let end = min(other.count, start + number(1...256))
        if chance(2) {
            bytes.insert(contentsOf: other[start..<end], at: index)
        } else {
            bytes.replaceSubrange(index..<min(bytes.count, index + end - start), with: other[start..<end])
        }
    }

    private mutating func swapRanges(_ bytes: inout [UInt8], at index: Int) {
        let length = min(number(1...16), bytes.count - index)
        let start = number(0...bytes.count - length)
        let moved = Array(bytes[index..<index + length])
        bytes.replaceSubrange(start..<start + length, with: moved)
    }
}
