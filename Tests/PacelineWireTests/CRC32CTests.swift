import CPacelineChecksum
import PacelineSpeculation
import Testing

@Suite("CRC-32C")
struct CRC32CTests {
    /// The examples of RFC 3720, appendix B.4, and the usual check value.
    static let examples: [(bytes: [UInt8], crc: UInt32)] = [
        (Array("123456789".utf8), 0xe306_9283),
        ([UInt8](repeating: 0, count: 32), 0x8a91_36aa),
        ([UInt8](repeating: 0xff, count: 32), 0x62a8_ab43),
        (Array(0..<32), 0x46dd_794e),
        (Array((0..<32).reversed()), 0x113f_db5c),
        ([], 0),
    ]

    @Test("gives the published values", arguments: examples)
    func published(bytes: [UInt8], crc: UInt32) {
        #expect(pl_crc32c(0, bytes, bytes.count) == crc)
        #expect(pl_crc32c_table(0, bytes, bytes.count) == crc)
    }

    @Test("equals its scalar twin for any length and alignment")
    func twins() {
        var generator = SplitMix(seed: 1)
        let bytes = (0..<600).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        bytes.withUnsafeBytes { all in
            for start in 0..<9 {
                for length in 0..<(all.count - start) {
                    let base = all.baseAddress! + start
                    #expect(pl_crc32c(7, base, length) == pl_crc32c_table(7, base, length))
                }
            }
        }
    }

    @Test("continues from the checksum of the preceding bytes")
    func continues() {
        let bytes = (0..<200).map { UInt8($0) }
        let whole = pl_crc32c(0, bytes, 200)
        for cut in 0...200 {
            let first = pl_crc32c(0, Array(bytes[..<cut]), cut)
            #expect(pl_crc32c(first, Array(bytes[cut...]), 200 - cut) == whole)
        }
    }
}
