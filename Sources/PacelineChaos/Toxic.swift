/// What happens to the bytes of one direction on their way through a relay, by Toxiproxy's names.
package enum Toxic: Hashable, Sendable {
    /// Every run of bytes takes `base` longer, give or take up to `jitter`, drawn evenly. A run never overtakes the one
    /// before, so that jitter delays what comes after it too, as it does in TCP.
    case latency(Duration, jitter: Duration)
    /// Runs go over a line that takes its time for each byte.
    case bandwidth(bytesPerSecond: Int)
}
