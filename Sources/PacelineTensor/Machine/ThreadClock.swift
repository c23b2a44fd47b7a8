import Glibc

/// The processor time of the calling thread: what work costs, however many others want the processor.
package enum ThreadClock {
    package static var nanoseconds: UInt64 {
        var time = timespec()
        // Every Linux has this clock.
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
