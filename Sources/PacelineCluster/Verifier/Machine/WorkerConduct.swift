import PacelineWire

/// How far a connected worker keeps to the rules that a single message cannot break: trees within its credit that
/// continue what it sent, no more than it is allowed, one announcement that it leaves.
///
/// A slip is ignored and counted. A worker that keeps slipping is dismissed.
struct WorkerConduct: Sendable {
    /// Slips at once that lead to a dismissal, and how many are forgotten in a second.
    static let limit = 16
    static let forgottenPerSecond = 1

    private var strikes = RateAllowance(perSecond: forgottenPerSecond, burst: limit)
    /// For requests that are not open at the worker.
    private var strays = TreeAllowance.strays
    private(set) var isDismissed = false

    /// A request was closed at the worker; trees for it may be on their way.
    ///
    /// - Parameters:
    ///   - left: what the worker might still have sent for it.
    ///   - requests: how many requests it can have at once.
    ///   - credit: the most nodes that it may have outstanding for one.
    mutating func closed(left: TreeAllowance, requests: Int, credit: Int) {
        strays.inherit(left, requests: requests, credit: credit)
    }

    /// Whether a tree for a request that is not open may still come.
    mutating func allowsStray(_ tree: Message.Tree) -> Bool {
        strays.pay(for: tree)
    }

    /// The worker broke a rule.
    ///
    /// - Returns: whether it did so once too often.
    mutating func strike(now: Instant) -> Bool {
        strikes.take(1, now: now)
        isDismissed = isDismissed || strikes.readyAt(now: now) > now
        return isDismissed
    }
}
