/// The texts that a head learns from, and those that it is measured with, which it never learns from.
///
/// Of both kinds the oldest are forgotten where memory runs out.
package struct TextStore: Equatable, Sendable {
    /// Bytes of all texts.
    package let byteLimit: Int
    /// One text of so many is kept to measure with.
    package let heldOutEvery: Int
    package private(set) var training: [ServedText] = []
    package private(set) var heldOut: [ServedText] = []
    /// Rows to learn that have come, whether or not they are still here.
    package private(set) var received = 0
    private var count = 0

    package init(byteLimit: Int = 64 << 20, heldOutEvery: Int = 6) {
        precondition(byteLimit >= 0 && heldOutEvery > 1)
        (self.byteLimit, self.heldOutEvery) = (byteLimit, heldOutEvery)
    }

    package mutating func add(_ text: ServedText) {
        count += 1
        // A quarter is for measuring, which needs less.
        if count.isMultiple(of: heldOutEvery) {
            Self.add(text, to: &heldOut, limit: byteLimit / 4)
        } else {
            received += text.learned.count
            Self.add(text, to: &training, limit: byteLimit - byteLimit / 4)
        }
    }

    /// Rows to learn of the texts that are here.
    package var trainingRows: Int { training.reduce(0) { $0 + $1.learned.count } }

    /// Rows to measure with.
    package var heldOutRows: Int { heldOut.reduce(0) { $0 + $1.learned.count } }

    package var byteCount: Int { (training + heldOut).reduce(0) { $0 + $1.byteCount } }

    private static func add(_ text: ServedText, to texts: inout [ServedText], limit: Int) {
        texts.append(text)
        var bytes = texts.reduce(0) { $0 + $1.byteCount }
        var forgotten = 0
        while bytes > limit {
            bytes -= texts[forgotten].byteCount
            forgotten += 1
        }
        texts.removeFirst(forgotten)
    }
}
