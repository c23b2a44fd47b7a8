import CPacelineKernels
import PacelineTensor
import PacelineTestTraits
import Testing

@Suite("KV pages", .computing)
struct KVPageTests {
    private let shape = pl_kv_shape(layers: 3, kv_heads: 2, head_dim: 32, type: PL_KV_F16)

    private func emptyPage() -> [UInt16] { [UInt16](repeating: 0xffff, count: pl_kv_page_bytes(shape) / 2) }

    private func half(_ x: Float) -> UInt16 {
        var half: UInt16 = 0
        pl_to_half(PL_ISA_SCALAR, [x], &half, 1)
        return half
    }

    @Test("A page holds 64 keys and values of every layer and head as halves")
    func size() {
        #expect(pl_kv_page_bytes(shape) == 2 * 3 * 2 * 64 * 32 * 2)
    }

    @Test("Keys lie lane by slot, values row by slot, and nothing else is written", arguments: InstructionSet.supported)
    func layout(isa: InstructionSet) {
        var inputs = KernelInputs(seed: 13)
        let key = inputs.floats(64)
        let value = inputs.floats(64)
        for (layer, slot) in [(0, 0), (1, 17), (2, 63), (2, 16)] {
            var page = emptyPage()
            var expected = page
            pl_kv_store(isa.raw, shape, Int64(layer), &page, Int64(slot), key, value)
            for head in 0..<2 {
                for d in 0..<32 {
                    let block = (layer * 2 + head) * 64 * 32
                    expected[block + slot / 16 * 16 * 32 + d * 16 + slot % 16] = half(key[head * 32 + d])
                    expected[3 * 2 * 64 * 32 + block + slot * 32 + d] = half(value[head * 32 + d])
                }
            }
            #expect(page == expected)
        }
    }

    @Test("Copying a slot makes it equal in all layers and leaves the others alone")
    func copy() {
        var inputs = KernelInputs(seed: 14)
        var source = emptyPage()
        var expected = emptyPage()
        for layer: Int64 in 0..<3 {
            let key = inputs.floats(64)
            let value = inputs.floats(64)
            pl_kv_store(PL_ISA_SCALAR, shape, layer, &source, 21, key, value)
            pl_kv_store(PL_ISA_SCALAR, shape, layer, &expected, 50, key, value)
        }
        var target = emptyPage()
        pl_kv_copy_slot(shape, &target, 50, source, 21)
        #expect(target == expected)
    }

    @Test("A slot can be copied within its page, onto itself too")
    func copyWithin() {
        var inputs = KernelInputs(seed: 15)
        var page = emptyPage()
        for layer: Int64 in 0..<3 {
            pl_kv_store(PL_ISA_SCALAR, shape, layer, &page, 63, inputs.floats(64), inputs.floats(64))
        }
        let before = page
        page.withUnsafeMutableBufferPointer { pl_kv_copy_slot(shape, $0.baseAddress, 63, $0.baseAddress, 63) }
        #expect(page == before)
        page.withUnsafeMutableBufferPointer { pl_kv_copy_slot(shape, $0.baseAddress, 2, $0.baseAddress, 63) }
        var expected = before
        before.withUnsafeBufferPointer { pl_kv_copy_slot(shape, &expected, 2, $0.baseAddress, 63) }
        #expect(page == expected && page != before)
    }
}
