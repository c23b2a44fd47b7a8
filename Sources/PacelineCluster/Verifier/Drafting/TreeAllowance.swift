import PacelineWire

/// How much a worker may send for one request: each base earns some, and each message and node is paid for. What is not
/// used is kept, up to a limit, since several bases may pass while trees are on their way.
///
/// Without it, a worker could send the same tree again and again: it would cost the loop that serves everyone, and no
/// other bound would be broken.
struct TreeAllowance: Sendable, Equatable {
    /// An honest worker sends each node of a tree once, in a message of its own at most, and what survives a verdict a
    /// second time.
    private static let perNode = 4
    private static let basic = 64
    /// Bases that may be saved up.
    private static let bases = 16

    private(set) var left: Int

    /// - Parameter credit: the most nodes that the worker may have outstanding.
    init(credit: Int) {
        left = Self.earned(credit: credit)
    }

    /// Nothing but what was on its way may come.
    private init() {
        left = Self.basic
    }

    /// That of a worker for requests that are not open at it.
    static let strays = TreeAllowance()

    /// The request has a new base.
    mutating func grant(credit: Int) {
        let earned = Self.earned(credit: credit)
        left = max(left, min(left + earned, Self.bases * earned))
    }

    /// Takes over what is left of a request that has been closed while trees for it were on their way.
    ///
    /// - Parameters:
    ///   - requests: how many requests the worker can have at once; more of them cannot leave it anything.
    ///   - credit: the most nodes that the worker may have outstanding for one.
    mutating func inherit(_ other: Self, requests: Int, credit: Int) {
        let limit = max(requests, 1) * Self.bases * Self.earned(credit: credit)
        left = max(left, min(left + other.left, limit))
    }

    /// Pays for a message.
    ///
    /// - Returns: false if too little is left; then nothing is paid.
    mutating func pay(for tree: Message.Tree) -> Bool {
        let cost = 1 + tree.nodes.count
        guard cost <= left else { return false }
        left -= cost
        return true
    }

    private static func earned(credit: Int) -> Int {
        basic + perNode * credit
    }
}
