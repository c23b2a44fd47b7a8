import Glibc

/// The signals that tell a process to end, taken by one thread that waits for them.
///
/// No signal can get lost. Until the signals are blocked, their default action ends the process; afterwards they stay
/// pending until the thread takes them. A thread inherits the signals that its creator blocks. Block them while the
/// process has a single thread, because the kernel could deliver them to any thread that does not.
struct EndSignals {
    private let set: sigset_t

    /// Blocks SIGINT, SIGTERM and SIGHUP for this thread and the threads that it will start.
    ///
    /// SIGHUP stays unblocked if nohup made the process ignore it: a blocked signal is kept even if it is ignored.
    static func block() -> EndSignals {
        var set = Self.all
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        if isIgnored(action) { sigdelset(&set, SIGHUP) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        return EndSignals(set: set)
    }

    /// Unblocks what a parent has blocked. Programs inherit blocked signals, and a program that starts others from a
    /// Dispatch thread blocks all of them.
    static func unblock() {
        var set = Self.all
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Waits for the next signal.
    ///
    /// - Parameter deadline: when to give up; nil waits forever.
    /// - Returns: the signal's number; nil when the deadline has passed.
    func next(before deadline: ContinuousClock.Instant?) -> Int32? {
        var set = set
        while true {
            var number: Int32 = -1
            if let deadline {
                var time = timespec(max(.zero, deadline - .now))
                number = sigtimedwait(&set, nil, &time)
            } else {
                number = sigwaitinfo(&set, nil)
            }
            if number > 0 { return number }
            // The other error, EINTR, means that this thread handled a different signal.
            if errno == EAGAIN { return nil }
        }
    }

    private static var all: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, signal) }
        return set
    }

    private static func isIgnored(_ action: sigaction) -> Bool {
        unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}

extension timespec {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    }
}
