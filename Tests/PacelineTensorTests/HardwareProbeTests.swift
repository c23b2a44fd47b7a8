import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("Hardware probe", .computing)
struct HardwareProbeTests {
    @Test("finds a ceiling for the kernels of every quantised type", arguments: WeightType.quantised)
    func ceilings(type: WeightType) throws {
        let probe = HardwareProbe(compute: try Compute(threads: 2))
        for rows in [1, 3, 70] {
            let ceiling = probe.kernelCeiling(type: type, rows: rows, repeats: 1)
            #expect(ceiling > 0 && ceiling.isFinite, "\(rows) rows")
        }
    }

    @Test("finds a bandwidth of reading, and one of multiplying what is read")
    func bandwidths() throws {
        let bandwidths = HardwareProbe(compute: try Compute(threads: 2)).bandwidths(bytes: 1 << 22, repeats: 1)
        #expect(bandwidths.read > 0 && bandwidths.read.isFinite)
        #expect(bandwidths.codes > 0 && bandwidths.codes.isFinite)
    }

    @Test("multiplies every code that it reads, whatever the instruction set", arguments: InstructionSet.supported)
    func everyCode(isa: InstructionSet) throws {
        let pool = try ThreadPool(threads: 1), bytes = 64 * 3
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        defer { buffer.deallocate() }
        for place in 0..<bytes {
            buffer.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
            #expect(pl_probe_read_codes(isa.raw, pool.raw, buffer, bytes) == 0)
            buffer.storeBytes(of: 0x21, toByteOffset: place, as: UInt8.self)
            #expect(pl_probe_read_codes(isa.raw, pool.raw, buffer, bytes) == 1 * 3 + 2 * 5, "byte \(place)")
        }
    }

    @Test("finds none for floats, which have no tile kernels", arguments: [WeightType.f32, .f16, .bf16])
    func floats(type: WeightType) throws {
        let probe = HardwareProbe(compute: try Compute(threads: 1))
        #expect(probe.kernelCeiling(type: type, rows: 4, repeats: 1) == 0)
    }
}
