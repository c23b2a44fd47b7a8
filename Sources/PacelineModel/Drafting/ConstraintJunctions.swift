import PacelineGrammar

/// How the texts of a constraint may go on, byte by byte, from the places that somebody has looked at.
///
/// What was found once is looked up from then on. Junctions are known by their numbers, which hold until ``forget()``.
struct ConstraintJunctions {
    typealias Place = ConstraintCursor.Place

    /// Where a text may go on in several ways, or in one, or in none.
    private struct Junction {
        let groups: [(bytes: ByteSet, place: Place)]
        let isComplete: Bool
        let isFree: Bool
        /// Nil until somebody asks.
        var ways: [(byte: UInt8, place: Place)]?
        /// The junctions behind the ways, or -1 while they are not known.
        var next: [Int32] = []
    }

    /// More different bytes than this are free text.
    private static let mostChoices = 32
    private static let limit = 4096

    private let cursor: ConstraintCursor
    private var junctions: [Junction] = []
    private var numbers: [Place: Int] = [:]

    init(_ cursor: ConstraintCursor) {
        self.cursor = cursor
    }

    /// Lets go of what was found if it is much.
    mutating func shrink() {
        if junctions.count > Self.limit { (junctions, numbers) = ([], [:]) }
    }

    /// The number of the junction at a place of the cursor.
    mutating func junction(at place: Place) -> Int {
        if let known = numbers[place] { return known }
        let groups = cursor.continuations(at: place)
        let choices = groups.reduce(0) { $0 + $1.bytes.count }
        let isComplete = cursor.isComplete(at: place)
        junctions.append(Junction(groups: groups, isComplete: isComplete, isFree: choices > Self.mostChoices))
        numbers[place] = junctions.count - 1
        return junctions.count - 1
    }

    /// Whether the text may end.
    func isComplete(_ junction: Int) -> Bool { junctions[junction].isComplete }

    /// Whether the text must end.
    func isOver(_ junction: Int) -> Bool { junctions[junction].groups.isEmpty }

    /// Whether too many bytes may follow for a guess.
    func isFree(_ junction: Int) -> Bool { junctions[junction].isFree }

    /// The only byte that may follow; nil if there are others, or the text may end.
    func forced(_ junction: Int) -> UInt8? {
        let groups = junctions[junction].groups
        return groups.count == 1 && !junctions[junction].isComplete ? groups[0].bytes.only : nil
    }

    /// The bytes to choose from, ascending. In free text they are those that end it.
    mutating func choices(at junction: Int) -> [UInt8] {
        ways(from: junction).map(\.byte)
    }

    /// The junction behind one of the choices.
    ///
    /// - Parameter choice: its place among them.
    mutating func junction(behind choice: Int, at junction: Int) -> Int {
        let ways = ways(from: junction)
        if junctions[junction].next[choice] < 0 {
            let next = self.junction(at: ways[choice].place)
            junctions[junction].next[choice] = Int32(next)
        }
        return Int(junctions[junction].next[choice])
    }

    /// Whether a byte ends free text. Those that begin a longer character do not.
    mutating func isEnding(_ byte: UInt8, at junction: Int) -> Bool {
        ways(from: junction).contains { $0.byte == byte }
    }

    private mutating func ways(from junction: Int) -> [(byte: UInt8, place: Place)] {
        if let known = junctions[junction].ways { return known }
        var groups = junctions[junction].groups
        if junctions[junction].isFree {
            groups = groups.compactMap { bytes, place in
                let behind = self.junction(at: place)
                return isFree(behind) ? nil : (bytes.ascii, place)
            }
        }
        let ways = groups.flatMap { bytes, place in bytes.bytes.map { (byte: $0, place: place) } }
            .sorted { $0.byte < $1.byte }
        junctions[junction].ways = ways
        junctions[junction].next = Array(repeating: -1, count: ways.count)
        return ways
    }
}
