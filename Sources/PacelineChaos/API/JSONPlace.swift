/// Where a value begins in a JSON text, for people who look for what is wrong with it.
struct JSONPlace: Hashable, Sendable, CustomStringConvertible {
    /// How to come to a value from the one that it is in.
    enum Step: Hashable, Sendable {
        case field(String)
        case item(Int)
    }

    /// From 1 on; columns count bytes.
    let line: Int
    let column: Int

    var description: String { "at line \(line), column \(column)" }

    init(offset: Int, in text: String) {
        let before = text.utf8.prefix(offset)
        line = before.count { $0 == 0x0a } + 1
        column = before.reversed().prefix { $0 != 0x0a }.count + 1
    }

    /// The place of the value that the steps lead to, or of the last one on the way there.
    ///
    /// - Parameter text: valid JSON.
    init(of steps: [Step], in text: String) {
        var walk = Walk(bytes: Array(text.utf8))
        walk.skipSpace()
        for step in steps {
            guard let next = walk.offset(behind: step) else { break }
            walk.offset = next
        }
        self.init(offset: walk.offset, in: text)
    }

    /// A place in valid JSON. Reading on past the end, which valid JSON does not need, finds zeros.
    private struct Walk {
        let bytes: [UInt8]
        var offset = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var byte: UInt8 { offset < bytes.count ? bytes[offset] : 0 }

        mutating func skipSpace() {
            while [0x20, 0x09, 0x0a, 0x0d].contains(byte) { offset += 1 }
        }

        /// Where the value begins that a step leads to from the present one; of fields with one name, the last counts.
        func offset(behind step: Step) -> Int? {
            let isObject: Bool
            switch step {
            case .field: isObject = true
            case .item: isObject = false
            }
            guard byte == UInt8(ascii: isObject ? "{" : "[") else { return nil }
            var (walk, index, found) = (self, 0, Int?.none)
            walk.offset += 1
            walk.skipSpace()
            while walk.offset < bytes.count, walk.byte != UInt8(ascii: isObject ? "}" : "]") {
                let name = isObject ? walk.takeName() : ""
                let isWanted =
                    switch step {
                    case .field(let field): name == field
                    case .item(let item): index == item
                    }
                if isWanted { found = walk.offset }
                walk.skipValue()
                walk.skipSpace()
                if walk.byte == UInt8(ascii: ",") { walk.offset += 1 }
                walk.skipSpace()
                index += 1
            }
            return found
        }

        /// The name of a field as it is written, without its quotes; goes on to the field's value.
        private mutating func takeName() -> String {
            let start = min(offset + 1, bytes.count)
            skipString()
            let name = bytes[start..<max(start, min(offset, bytes.count) - 1)]
            skipSpace()
            if byte == UInt8(ascii: ":") { offset += 1 }
            skipSpace()
            return String(decoding: name, as: UTF8.self)
        }

        private mutating func skipString() {
            offset += 1
            while offset < bytes.count, byte != UInt8(ascii: "\"") { offset += byte == UInt8(ascii: "\\") ? 2 : 1 }
            offset += 1
        }

        private mutating func skipValue() {
            var depth = 0
            repeat {
                switch byte {
                case UInt8(ascii: "\""): skipString()
                case UInt8(ascii: "{"), UInt8(ascii: "["): (depth, offset) = (depth + 1, offset + 1)
                case UInt8(ascii: "}"), UInt8(ascii: "]"): (depth, offset) = (depth - 1, offset + 1)
                case UInt8(ascii: ","), UInt8(ascii: ":"), 0x20, 0x09, 0x0a, 0x0d: offset += 1
                default: skipScalar()
                }
            } while depth > 0 && offset < bytes.count
        }

        private mutating func skipScalar() {
            offset += 1
            while offset < bytes.count, !",:]}\" \t\n\r".utf8.contains(byte) { offset += 1 }
        }
    }
}
