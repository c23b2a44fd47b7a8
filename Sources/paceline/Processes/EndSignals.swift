import Glibc

/// The signals that tell a process to end, taken by one thread that waits for them.
///
/// There is no moment at which one of them can get lost. Until they are blocked their default action ends the process;
/// from then on they stay pending until they are taken. Every thread inherits what is blocked from the one that starts
/// it, so that the signals must be blocked while the process has a single thread: no other may be left to which the
/// kernel could deliver them.
struct EndSignals {
    private let set: sigset_t

    /// Blocks SIGINT, SIGTERM and SIGHUP for this thread and those that it will start.
    ///
    /// A hang-up that nohup has told the process to ignore stays ignored: a blocked signal would be kept all the same.
    static func block() -> EndSignals {
        var set = Self.all
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        if isIgnored(action) { sigdelset(&set, SIGHUP) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        return EndSignals(set: set)
    }

    /// Undoes what a parent has blocked: programs inherit that, and those that start others from a thread of Dispatch's
    /// leave them with all signals blocked.
    static func unblock() {
        var set = Self.all
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Waits for the next signal.
    ///
    /// - Parameter deadline: when to give up; nil waits for ever.
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
            // The other error is a signal of another kind that was handled here.
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
