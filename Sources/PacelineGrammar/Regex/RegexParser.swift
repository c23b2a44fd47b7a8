/// Reads regular expressions in the syntax that JavaScript and Python share, without what looks around or back.
struct RegexParser {
    private let scalars: [Unicode.Scalar]
    private var place = 0
    private var depth = 0

    private static let depthLimit = 100
    private static let repetitionLimit: Int32 = 10_000

    /// - Throws: ``GrammarError`` at a position in characters.
    static func parse(_ pattern: String) throws(GrammarError) -> RegexTree {
        var parser = RegexParser(scalars: Array(pattern.unicodeScalars))
        let tree = try parser.choice()
        guard parser.place == parser.scalars.count else { throw parser.failure("')' closes nothing") }
        return tree
    }

    private init(scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    func failure(_ reason: String) -> GrammarError {
        GrammarError("character \(place + 1) of the pattern", reason)
    }

    private var next: Unicode.Scalar? { place < scalars.count ? scalars[place] : nil }

    mutating func skip(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        place += 1
        return true
    }

    mutating func take() throws(GrammarError) -> Unicode.Scalar {
        guard let next else { throw failure("the pattern ends too early") }
        place += 1
        return next
    }

    private mutating func choice() throws(GrammarError) -> RegexTree {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw failure("groups are nested deeper than \(Self.depthLimit); make the pattern flatter")
        }
        var parts = [try sequence()]
        while skip("|") { parts.append(try sequence()) }
        return parts.count == 1 ? parts[0] : .choice(parts)
    }

    private mutating func sequence() throws(GrammarError) -> RegexTree {
        var parts: [RegexTree] = []
        while let next, next != "|", next != ")" {
            parts.append(try repeated(try atom()))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func repeated(_ atom: RegexTree) throws(GrammarError) -> RegexTree {
        guard let (minimum, maximum) = try quantifier() else { return atom }
        switch atom {
        case .textStart, .textEnd: throw failure("an anchor cannot be repeated")
        default: break
        }
        if skip("+") { throw failure("possessive quantifiers are not supported; write it without the second '+'") }
        // Which of several matches is found makes no difference to whether there is one.
        _ = skip("?")
        let isAgain = next == "*" || next == "+" || next == "?"
        guard !isAgain else { throw failure("a quantifier follows another; put the first one into a group") }
        return .repetition(atom, minimum: minimum, maximum: maximum)
    }

    private mutating func quantifier() throws(GrammarError) -> (Int32, Int32?)? {
        if skip("*") { return (0, nil) }
        if skip("+") { return (1, nil) }
        if skip("?") { return (0, 1) }
        guard next == "{" else { return nil }
        let back = place
        place += 1
        guard let minimum = try number() else {
            place = back
            throw failure("'{' needs a number such as {2} or {2,5}; write \\{ for the character")
        }
        var maximum: Int32? = minimum
        if skip(",") { maximum = try number() }
        guard skip("}") else { throw failure("'}' was expected") }
        if let maximum, maximum < minimum { throw failure("the numbers of a quantifier are in the wrong order") }
        return (minimum, maximum)
    }

    private mutating func number() throws(GrammarError) -> Int32? {
        guard let value = scalars.number(at: &place, limit: Self.repetitionLimit) else { return nil }
        guard value <= Self.repetitionLimit else {
            throw failure("a quantifier may count up to \(Self.repetitionLimit)")
        }
        return value
    }

    private mutating func atom() throws(GrammarError) -> RegexTree {
        let scalar = try take()
        switch scalar {
        case "(": return try group()
        case "[": return .character(try bracket().surely)
        case ".": return .character(RegexClass.lineEnd.complement.surely)
        case "^": return .textStart
        case "$": return .textEnd
        case "\\": return try escaped()
        case "*", "+", "?":
            place -= 1
            throw failure("the quantifier has nothing to repeat")
        case "{":
            place -= 1
            throw failure("write \\{ for the character '{'")
        default: return .character(CodePointSet([scalar.value...scalar.value]))
        }
    }

    private mutating func group() throws(GrammarError) -> RegexTree {
        if skip("?") {
            if skip("P"), next != "<" { throw failure("this kind of group is not supported") }
            if skip("<") {
                if next == "=" || next == "!" { throw failure("looking behind is not supported") }
                while try take() != ">" {}
            } else if !skip(":") {
                let isLook = next == "=" || next == "!"
                throw failure(isLook ? "looking ahead is not supported" : "this kind of group is not supported")
            }
        }
        let tree = try choice()
        guard skip(")") else { throw failure("a group is not closed; ')' was expected") }
        return tree
    }

    private mutating func escaped() throws(GrammarError) -> RegexTree {
        switch next {
        case "b", "B": throw failure("word boundaries are not supported")
        case "A":
            place += 1
            return .textStart
        case "Z", "z":
            place += 1
            return .textEnd
        case let digit? where digit == "k" || ("1"..."9").contains(digit):
            throw failure("references to groups are not supported")
        default: return .character(try escape().surely)
        }
    }

    /// What follows a backslash, in a class or outside.
    mutating func escape() throws(GrammarError) -> RegexClass {
        let scalar = try take()
        switch scalar {
        case "d": return .digit
        case "D": return RegexClass.digit.complement
        case "w": return .word
        case "W": return RegexClass.word.complement
        case "s": return .space
        case "S": return RegexClass.space.complement
        case "t": return RegexClass(CodePointSet("\t"))
        case "n": return RegexClass(CodePointSet("\n"))
        case "r": return RegexClass(CodePointSet("\r"))
        case "f": return RegexClass(CodePointSet("\u{0c}"))
        case "v": return RegexClass(CodePointSet("\u{0b}"))
        case "0":
            if let next, ("0"..."9").contains(next) { throw failure("octal escapes are not supported; write \\x00") }
            return RegexClass(CodePointSet("\0"))
        case "x": return try code(digits: 2)
        case "u": return try code(digits: 4)
        case "a"..."z", "A"..."Z", "1"..."9":
            place -= 1
            throw failure("the escape \\\(scalar) is not supported")
        default: return RegexClass(CodePointSet([scalar.value...scalar.value]))
        }
    }

    private mutating func code(digits: Int) throws(GrammarError) -> RegexClass {
        var value: UInt32 = 0
        if digits == 4, skip("{") {
            while !skip("}") {
                value = try value << 4 + digit()
                guard value <= 0x10ffff else { throw failure("the escape stands for no character") }
            }
        } else {
            for _ in 0..<digits { value = try value << 4 + digit() }
        }
        guard Unicode.Scalar(value) != nil else { throw failure("the escape stands for no character") }
        return RegexClass(CodePointSet([value...value]))
    }

    private mutating func digit() throws(GrammarError) -> UInt32 {
        let scalar = try take()
        guard let digit = UInt32(String(scalar), radix: 16) else { throw failure("a hexadecimal digit was expected") }
        return digit
    }
}

// MARK: Classes in brackets

extension RegexParser {
    private mutating func bracket() throws(GrammarError) -> RegexClass {
        let isNegated = skip("^")
        var result = RegexClass(.none)
        // Python takes it for a member, JavaScript for the end of an empty class.
        if next == "]" { throw failure("write \\] for the character ']' in a class") }
        while !skip("]") { result = result.union(try range()) }
        return isNegated ? result.complement : result
    }

    private mutating func range() throws(GrammarError) -> RegexClass {
        if next == "[" { throw failure("write \\[ for the character '[' in a class") }
        let (first, isSet) = try member()
        guard next == "-", place + 1 < scalars.count, scalars[place + 1] != "]" else { return first }
        place += 1
        let (last, isOtherSet) = try member()
        guard !isSet, !isOtherSet, let lower = first.surely.ranges.first?.lowerBound,
            let upper = last.surely.ranges.first?.upperBound, lower <= upper
        else { throw failure("this is no range of characters") }
        return RegexClass(CodePointSet([lower...upper]))
    }

    /// One entry of a class, and whether it is more than a character.
    private mutating func member() throws(GrammarError) -> (RegexClass, isSet: Bool) {
        let scalar = try take()
        guard scalar == "\\" else { return (RegexClass(CodePointSet([scalar.value...scalar.value])), false) }
        if skip("b") { return (RegexClass(CodePointSet("\u{08}")), false) }
        if skip("-") { return (RegexClass(CodePointSet("-")), false) }
        let isSet = ["d", "D", "w", "W", "s", "S"].contains(next)
        return (try escape(), isSet)
    }
}

extension [Unicode.Scalar] {
    /// Reads digits, as far as they are no number above a limit.
    ///
    /// - Parameter place: moves behind what has been read.
    /// - Returns: the number; nil if there are no digits. One above the limit stands for all that are.
    func number(at place: inout Int, limit: Int32) -> Int32? {
        var value: Int32?
        while place < count, ("0"..."9").contains(self[place]), value ?? 0 <= limit {
            value = (value ?? 0) * 10 + Int32(self[place].value - 0x30)
            place += 1
        }
        return value
    }
}
