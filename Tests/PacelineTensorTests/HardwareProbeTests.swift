import PacelineTensor
import Testing

@Suite("Hardware probe")
struct HardwareProbeTests {
    @Test("finds a ceiling for the kernels of every quantised type", arguments: WeightType.quantised)
    func ceilings(type: WeightType) throws {
        let probe = HardwareProbe(compute: try Compute(threads: 2))
        for rows in [1, 3, 70] {
            let ceiling = probe.kernelCeiling(type: type, rows: rows, repeats: 1)
            #expect(ceiling > 0 && ceiling.isFinite, "\(rows) rows")
        }
    }

    @Test("finds none for floats, which have no tile kernels", arguments: [WeightType.f32, .f16, .bf16])
    func floats(type: WeightType) throws {
        let probe = HardwareProbe(compute: try Compute(threads: 1))
        #expect(probe.kernelCeiling(type: type, rows: 4, repeats: 1) == 0)
    }
}
