import CPacelineKernels
import Foundation
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("int8 KV pages", .computing)
struct Int8PageTests {
    private let shape = pl_kv_shape(layers: 2, kv_heads: 2, head_dim: 48, type: PL_KV_INT8)

    /// A (layer, head) takes 48 x 64 bytes of keys, two scales a slot for them, as much of values, and one scale a
    /// slot.
    private let headBytes = 64 * (48 + 2 * 2 + 48 + 2)

    private func emptyPage() -> [UInt8] { [UInt8](repeating: 0xff, count: pl_kv_page_bytes(shape)) }

    private func half(_ page: [UInt8], at offset: Int) -> Float {
        var value: Float = 0
        pl_from_half(PL_ISA_SCALAR, [UInt16(page[offset]) | UInt16(page[offset + 1]) << 8], &value, 1)
        return value
    }

    /// The key and value of a slot as the page's layout says.
    private func read(_ page: [UInt8], layer: Int, head: Int, slot: Int) -> (key: [Float], value: [Float]) {
        let keys = (layer * 2 + head) * headBytes
        let keyScales = keys + 64 * 48
        let values = keyScales + 64 * 4
        let valueScale = half(page, at: values + 64 * 48 + 2 * slot)
        let key = (0..<48).map { d -> Float in
            let code = page[keys + slot / 16 * 16 * 48 + d / 4 * 64 + slot % 16 * 4 + d % 4]
            return Float(Int(code) - 128) * half(page, at: keyScales + 2 * (slot / 16 * 32 + d / 32 * 16 + slot % 16))
        }
        let value = (0..<48).map { d in
            Float(Int(page[values + slot / 4 * 4 * 48 + d * 4 + slot % 4]) - 128) * valueScale
        }
        return (key, value)
    }

    @Test("A page takes little more than a byte for each number")
    func size() {
        #expect(pl_kv_page_bytes(shape) == 4 * headBytes)
    }

    @Test("Keys and values come back to within half a step of their scale", arguments: InstructionSet.supported)
    func rounding(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 31)
        for (layer, slot) in [(0, 0), (1, 17), (1, 63), (0, 34)] {
            var page = emptyPage()
            let key = inputs.floats(96, scale: 40)
            let value = inputs.floats(96, scale: 0.2)
            pl_kv_store(isa.raw, shape, Int64(layer), &page, Int64(slot), key, value)
            for head in 0..<2 {
                let own = head * 48..<(head + 1) * 48
                let stored = read(page, layer: layer, head: head, slot: slot)
                // The scale itself is rounded to float16, by at most one part in 2048.
                let valueStep = (own.map { abs(value[$0]) }.max() ?? 0) / 127
                for (d, index) in own.enumerated() {
                    let block = own.lowerBound + d / 32 * 32..<min(own.upperBound, own.lowerBound + (d / 32 + 1) * 32)
                    let keyStep = (block.map { abs(key[$0]) }.max() ?? 0) / 127
                    #expect(abs(stored.key[d] - key[index]) <= 0.57 * keyStep)
                    #expect(abs(stored.value[d] - value[index]) <= 0.57 * valueStep)
                }
            }
        }
    }

    @Test("Storing and copying a slot writes that slot and nothing else")
    func copy() {
        var inputs = KernelInputs(seed: 32)
        var source = emptyPage()
        var expected = emptyPage()
        for layer: Int64 in 0..<2 {
            let (key, value) = (inputs.floats(96), inputs.floats(96))
            pl_kv_store(PL_ISA_SCALAR, shape, layer, &source, 21, key, value)
            pl_kv_store(PL_ISA_SCALAR, shape, layer, &expected, 50, key, value)
        }
        #expect(zip(source, emptyPage()).count { $0 != $1 } <= 4 * (2 * 48 + 6))
        var target = emptyPage()
        pl_kv_copy_slot(shape, &target, 50, source, 21)
        #expect(target == expected)
        source.withUnsafeMutableBufferPointer { pl_kv_copy_slot(shape, $0.baseAddress, 21, $0.baseAddress, 21) }
        pl_kv_copy_slot(shape, &target, 50, source, 21)
        #expect(target == expected)
    }

    @Test("Nothing but zero is stored exactly as zero, and a token that is not finite spoils what attends to it")
    func extremes() {
        for (strange, isSpoilt) in [(Float(0), false), (.nan, true), (.infinity, true), (3e38, true)] {
            let fixture = AttentionFixture(
                seed: 2,
                slots: 64,
                kvHeads: 1,
                group: 1,
                headDimension: 16,
                type: PL_KV_INT8
            )
            for slot in 0..<3 {
                let value = [Float](repeating: slot == 1 ? strange : 0, count: 16)
                fixture.store(.init(key: [Float](repeating: 1, count: 16), value: value), slot: slot)
            }
            for isa in InstructionSet.supported {
                let out = fixture.attend([.init(base: 3)], queries: [Float](repeating: 1, count: 16), isa: isa)
                #expect(out.allSatisfy { isSpoilt ? $0.isNaN : $0 == 0 })
                let before = fixture.attend([.init(base: 1)], queries: [Float](repeating: 1, count: 16), isa: isa)
                #expect(before.allSatisfy { $0 == 0 })
            }
        }
    }

    @Test("Attention differs from float16 pages by little, wherever a row attends to")
    func accuracy() {
        for (base, group, dimension) in [(5, 1, 64), (250, 6, 128), (700, 3, 80), (2_000, 2, 64)] {
            let cases = kvTypes.map {
                TreeCase(
                    seed: UInt64(base),
                    base: base,
                    nodes: 8,
                    group: group,
                    headDimension: Int64(dimension),
                    type: $0
                )
            }
            let out = cases.map { $0.fixture.attend($0.rows, queries: $0.queries, threads: 2) }
            let differences = zip(out[0], out[1]).map { abs($0 - $1) }
            let norm = (out[0].reduce(0) { $0 + $1 * $1 } / Float(out[0].count)).squareRoot()
            let error = (differences.reduce(0) { $0 + $1 * $1 } / Float(out[0].count)).squareRoot()
            #expect(error < 0.05 * norm, "base \(base): \(error) of \(norm)")
        }
    }
}
