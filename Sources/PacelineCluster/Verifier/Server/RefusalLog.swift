/// Which refused connections are worth a line in the log: so many at once and so many a second, the rest as a count, so
/// that whoever hammers at the port cannot fill a disk.
struct RefusalLog: Sendable {
    private static let linesPerSecond = 10
    private var allowance = InboundAllowance(bytesPerSecond: Self.linesPerSecond, burst: 64)
    /// Refusals since the last line.
    private var unlogged = 0

    /// A connection was refused.
    ///
    /// - Returns: whether to log it, and how many before it were not.
    mutating func refused(now: Instant) -> (isLogged: Bool, unlogged: Int) {
        guard allowance.readableAt <= now else {
            unlogged += 1
            return (false, 0)
        }
        allowance.take(1, now: now)
        defer { unlogged = 0 }
        return (true, unlogged)
    }
}
