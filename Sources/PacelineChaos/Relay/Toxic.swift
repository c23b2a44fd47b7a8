/// What a relay does to the bytes of one direction; the names are Toxiproxy's.
package enum Toxic: Hashable, Sendable {
    /// Every run of bytes takes `base` longer, plus or minus a uniform jitter. A run never overtakes the one before, so
    /// jitter delays what follows too, as in TCP.
    case latency(Duration, jitter: Duration)
    /// Runs share a line of limited speed.
    case bandwidth(bytesPerSecond: Int)
}
