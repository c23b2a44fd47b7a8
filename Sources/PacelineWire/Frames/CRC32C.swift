import CPacelineChecksum
import NIOCore

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4).
enum CRC32C {
    static func checksum(of bytes: ByteBufferView) -> UInt32 {
        bytes.withUnsafeBytes { pl_crc32c(0, $0.baseAddress, $0.count) }
    }
}
