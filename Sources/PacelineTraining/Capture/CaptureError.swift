/// Why bytes are not a capture, or not the one that is wanted.
package enum CaptureError: Error, Equatable, CustomStringConvertible {
    case notACapture
    case version(found: Int)
    case cutHeader(bytes: Int)
    /// `offset` is that of the header or record.
    case damaged(offset: Int, reason: String)
    case otherCapture(what: String, found: String, expected: String)

    package var description: String {
        switch self {
        case .notACapture:
            "this is not a capture: it does not begin with PLCAPTUR; make one with paceline capture"
        case .version(let found):
            "the capture has version \(found) of the format instead of 1: capture again with this paceline"
        case .cutHeader(let bytes):
            "the capture ends within its header, after \(bytes) bytes: delete it and capture again"
        case .damaged(let offset, let reason) where offset < CaptureHeader.prefixSize:
            "the capture's header is damaged (byte \(offset): \(reason)): delete the file and capture again"
        case .damaged(let offset, let reason):
            "the capture is damaged at byte \(offset) (\(reason)): capture again, or keep what is before with "
                + "truncate -s \(offset)"
        case .otherCapture(let what, let found, let expected):
            "the file's \(what) is \(found) instead of \(expected): continue with the options that it was started "
                + "with, or write to another file"
        }
    }
}
