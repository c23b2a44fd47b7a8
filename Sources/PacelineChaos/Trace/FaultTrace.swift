import Foundation
import Glibc
package import Logging
import PacelineServer
import PacelineSpeculation
import Synchronization

/// A file with one JSON object a line for each fault, its cause and its place, and for each change of a proxy.
///
/// Event loops hand lines over and never wait for the disk: a thread writes them. If it falls so far behind that the
/// queue is full, further lines are lost, and a line in their place says how many.
package final class FaultTrace: Sendable {
    /// Where a fault struck.
    struct Place: Hashable, Sendable {
        let proxy: String
        let connection: UInt64
        let stream: StreamDirection
    }

    private let queue: TraceQueue
    private let start = ContinuousClock.now

    /// Opens `path`, and leaves what is in the file until ``begin()``. Lines before that wait.
    ///
    /// - Throws: ``FaultTraceError``.
    package convenience init(path: String, seed: UInt64, logger: Logger) throws(FaultTraceError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
        self.init(descriptor: descriptor, seed: seed, logger: logger)
    }

    /// - Parameters:
    ///   - descriptor: closed at the end.
    ///   - limit: bytes that may wait for the disk.
    init(descriptor: Int32, limit: Int = 1 << 24, seed: UInt64, logger: Logger) {
        queue = TraceQueue(descriptor: descriptor, limit: limit, logger: logger)
        write(TraceLine.serve(seed: seed).json)
    }

    deinit {
        queue.end()
    }

    /// Writes over whatever was in the file: the run that the trace is of has begun.
    package func begin() {
        queue.begin()
    }

    /// Suspends until every line so far is written.
    package func finish() async {
        await queue.drained()
    }

    /// Closes the file when every line so far is written.
    func end() {
        queue.end()
    }

    func write(_ place: Place, _ fault: FaultRecord) {
        write(TraceLine.fault(TracedFault(place, fault)).json)
    }

    func write(_ change: TracedChange, at moment: TraceMoment) {
        write(TraceLine.change(change, moment).json)
    }

    private func write(_ fields: TraceLine.Fields) {
        let milliseconds = (ContinuousClock.now - start).inMilliseconds
        let time: TraceLine.Fields = [("ms", .number((milliseconds * 1000).rounded() / 1000))]
        queue.append(JSONValue.object(time + fields).bytes + [0x0a]) { lost in
            JSONValue.object(time + TraceLine.lost(lines: lost).json).bytes + [0x0a]
        }
    }
}

/// Lines on their way to a file, and the thread that writes them.
private final class TraceQueue: Sendable {
    private struct State {
        var pending: [UInt8] = []
        var isWriting = false
        var hasBegun = false
        var hasEnded = false
        var hasFailed = false
        /// Lines since the queue was full, and how the first of them tells of all.
        var lost = 0
        var gap: (@Sendable (Int) -> [UInt8])?
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let descriptor: Int32
    private let limit: Int
    private let logger: Logger
    private let state = Mutex(State())
    private let news = DispatchSemaphore(value: 0)

    init(descriptor: Int32, limit: Int, logger: Logger) {
        self.descriptor = descriptor
        self.limit = limit
        self.logger = logger
        Thread { [self] in run() }.start()
    }

    /// - Parameter gap: the line that tells of lost ones.
    func append(_ line: [UInt8], gap: @escaping @Sendable (Int) -> [UInt8]) {
        let isNews = state.withLock { state in
            guard !state.hasFailed else { return false }
            let isNews = state.pending.isEmpty
            if state.pending.count + line.count <= limit {
                Self.closeGap(&state)
                state.pending += line
            } else {
                state.lost += 1
                state.gap = state.gap ?? gap
            }
            return isNews
        }
        if isNews { news.signal() }
    }

    private static func closeGap(_ state: inout State) {
        if let gap = state.gap { state.pending += gap(state.lost) }
        (state.lost, state.gap) = (0, nil)
    }

    func begin() {
        // What cannot be cut off, such as a pipe, has nothing to be cut off.
        _ = ftruncate(descriptor, 0)
        state.withLock { $0.hasBegun = true }
        news.signal()
    }

    func end() {
        state.withLock { $0.hasEnded = true }
        news.signal()
    }

    func drained() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                let isIdle =
                    state.hasFailed || !state.hasBegun
                    || (state.pending.isEmpty && state.gap == nil && !state.isWriting)
                if !isIdle { state.waiting.append(continuation) }
                return isIdle
            }
            if isIdle { continuation.resume() }
        }
    }

    // MARK: The thread

    private func run() {
        while true {
            news.wait()
            while let lines = take() { write(lines) }
            guard !state.withLock({ $0.hasEnded }) else { break }
        }
        _ = close(descriptor)
    }

    /// The lines that wait; nil if there is none.
    private func take() -> [UInt8]? {
        let (lines, waiting) = state.withLock { state -> ([UInt8]?, [CheckedContinuation<Void, Never>]) in
            // Perhaps no line follows those that were lost.
            if state.hasBegun, state.pending.isEmpty, !state.hasFailed { Self.closeGap(&state) }
            guard state.hasBegun, !state.pending.isEmpty else {
                state.isWriting = false
                defer { state.waiting = [] }
                return (nil, state.waiting)
            }
            state.isWriting = true
            defer { state.pending = [] }
            return (state.pending, [])
        }
        for continuation in waiting { continuation.resume() }
        return lines
    }

    private func write(_ lines: [UInt8]) {
        var rest = lines[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                logger.error("the trace cannot be written (\(String(cString: strerror(errno)))); it ends here")
                state.withLock { state in
                    state.hasFailed = true
                    state.pending = []
                }
                return
            }
        }
    }
}

/// Why a trace cannot be used.
package enum FaultTraceError: Error, Hashable, Sendable, CustomStringConvertible {
    case cannotWrite(path: String, reason: String)
    case cannotRead(path: String, reason: String)
    /// A line is not what a trace has.
    case malformed(path: String, line: Int, reason: String)

    package var description: String {
        switch self {
        case .cannotWrite(let path, let reason):
            "the trace cannot be written to \(path) (\(reason)); check the folder and its permissions"
        case .cannotRead(let path, let reason): "the trace \(path) cannot be read (\(reason)); check the path"
        case .malformed(let path, let line, let reason):
            "\(path) is no trace of paceline chaos serve: line \(line) \(reason); pass a file that --trace wrote"
        }
    }
}
