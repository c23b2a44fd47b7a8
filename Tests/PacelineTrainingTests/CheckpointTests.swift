import PacelineTraining
import Testing

@Suite("Checkpoints of a training")
struct CheckpointTests {
    private let layout: ParameterLayout
    private let bytes: [UInt8]

    init() {
        layout = Self.layout(columns: 3)
        var random = RandomNumbers(seed: 41)
        var state = TrainingState(parameters: random.numbers(9).map(Float.init))
        let gradient = random.numbers(9).map(Float.init)
        AdamW().update(&state, layout: layout, gradient: gradient, learningRate: 0.1)
        bytes = state.checkpoint(layout)
    }

    private static func layout(columns: Int) -> ParameterLayout {
        var layout = ParameterLayout()
        _ = layout.matrix("fc.weight", rows: 2, columns: columns)
        _ = layout.vector("norm.weight", 3)
        return layout
    }

    private func read(_ bytes: [UInt8], _ layout: ParameterLayout) throws -> TrainingState<Float> {
        try TrainingState(checkpoint: bytes, layout)
    }

    @Test("are refused wherever they are cut off")
    func cuts() throws {
        for length in bytes.indices {
            #expect(throws: CheckpointError.self) { try read(Array(bytes[..<length]), layout) }
        }
        #expect(throws: CheckpointError.tooLong(bytes: 1)) { try read(bytes + [0], layout) }
        #expect(try read(bytes, layout).step == 1)
    }

    @Test("never trap, whatever their first bytes are")
    func damage() throws {
        for index in 0..<64 {
            for value: UInt8 in [0, 1, 0x7f, 0xff] where bytes[index] != value {
                var damaged = bytes
                damaged[index] = value
                // Bytes 16 to 23 are the step number, of which almost all are possible.
                if 16..<24 ~= index && !(index == 23 && value == 0xff) {
                    #expect(try read(damaged, layout).step != 1)
                } else {
                    #expect(throws: CheckpointError.self) { try read(damaged, layout) }
                }
            }
        }
    }

    @Test("of other heads and precisions are refused with what differs")
    func otherHeads() throws {
        #expect(
            throws: CheckpointError.tensor(found: "fc.weight (2 × 3)", expected: "fc.weight (2 × 4)")
        ) { try read(bytes, Self.layout(columns: 4)) }
        var longer = layout
        _ = longer.vector("fc.bias", 2)
        #expect(throws: CheckpointError.tensorCount(found: 2, expected: 3)) { try read(bytes, longer) }
        #expect(throws: CheckpointError.precision(found: 4, expected: 8)) {
            try TrainingState<Double>(checkpoint: bytes, layout)
        }
        #expect(throws: CheckpointError.notACheckpoint) { try read(Array("GGUF0000".utf8), layout) }
    }
}
