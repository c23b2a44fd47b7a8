import Glibc
package import Logging
import PacelineCluster
import PacelineServer
import PacelineSpeculation
import Synchronization

/// A file with one JSON object a line for each fault, its cause and its place, and for each change of a proxy.
package final class FaultTrace: Sendable {
    /// Where a fault struck.
    struct Place: Hashable, Sendable {
        let proxy: String
        let connection: UInt64
        let stream: StreamDirection
    }

    private struct File {
        let descriptor: Int32
        /// Lines that are not written yet.
        var pending: [UInt8] = []
        var hasFailed = false
    }

    /// Bytes that are written together.
    private static let batch = 1 << 15

    private let file: Mutex<File>
    private let start = ContinuousClock.now
    private let logger: Logger

    /// Opens `path`, over whatever was in the file.
    ///
    /// - Throws: ``FaultTraceError``.
    package init(path: String, seed: UInt64, logger: Logger) throws(FaultTraceError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .cannotWrite(path: path, reason: String(cString: strerror(errno))) }
        file = Mutex(File(descriptor: descriptor))
        self.logger = logger
        write(TraceLine.serve(seed: seed).json)
        flush()
    }

    deinit {
        flush()
        _ = close(file.withLock { $0.descriptor })
    }

    func write(_ place: Place, _ fault: FaultRecord) {
        write(TraceLine.fault(TracedFault(place, fault)).json)
    }

    func write(_ change: TracedChange, at moment: TraceMoment) {
        write(TraceLine.change(change, moment).json)
        flush()
    }

    /// Writes everything out.
    package func flush() {
        file.withLock { writeOut(&$0) }
    }

    private func write(_ fields: [(name: String, value: JSONValue)]) {
        let milliseconds = (ContinuousClock.now - start).inMilliseconds
        let line = JSONValue.object([("ms", .number((milliseconds * 1000).rounded() / 1000))] + fields).bytes + [0x0a]
        file.withLock { file in
            guard !file.hasFailed else { return }
            file.pending += line
            if file.pending.count >= Self.batch { writeOut(&file) }
        }
    }

    private func writeOut(_ file: inout File) {
        var rest = file.pending[...]
        while !rest.isEmpty, !file.hasFailed {
            let count = rest.withUnsafeBytes { Glibc.write(file.descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                file.hasFailed = true
                logger.error("the trace cannot be written (\(String(cString: strerror(errno)))); it ends here")
            }
        }
        file.pending.removeAll(keepingCapacity: true)
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
