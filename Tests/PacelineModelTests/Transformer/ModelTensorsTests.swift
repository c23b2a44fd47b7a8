import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import Testing

@testable import PacelineModel

/// A file is accepted if and only if it has exactly the tensors that its family uses.
@Suite("Tensors of a model", .computing)
struct ModelTensorsTests {
    /// A family's file. Tests can leave out or add tensors without encoding the weights again.
    private struct Draft {
        private let header: GGUFWriter
        private let tensors: [TinyModel.Tensor]
        private let weights: [[UInt8]]

        init(_ model: TinyModel) {
            header = model.header(withTokenizer: false)
            tensors = model.tensors()
            weights = tensors.map(\.bytes)
        }

        var names: [String] { tensors.map(\.name) }

        /// The error from opening the file; nil if it is accepted.
        func refusal(without left: String? = nil, with added: [(name: String, length: Int)] = []) throws -> GGUFError? {
            var writer = header
            for (tensor, bytes) in zip(tensors, weights) where tensor.name != left {
                let dimensions = tensor.dimensions.map { UInt64($0) }
                writer.addTensor(tensor.name, dimensions: dimensions, type: tensor.type, bytes: bytes)
            }
            for (name, length) in added {
                let bytes = [UInt8](repeating: 0, count: 4 * length)
                writer.addTensor(name, dimensions: [UInt64(length)], type: 0, bytes: bytes)
            }
            let file = try GGUFFile(bytes: writer.serialised(), name: "m.gguf")
            do throws(GGUFError) {
                _ = try ModelTensors(file, configuration: ModelConfiguration(file))
                return nil
            } catch {
                return error
            }
        }
    }

    private static func error(_ reason: GGUFError.Reason) -> GGUFError { GGUFError(path: "m.gguf", reason: reason) }

    @Test("The error for any missing tensor names it", arguments: TensorNames.families)
    func missing(family: TensorNames) throws {
        let draft = Draft(family.model)
        #expect(try draft.refusal() == nil)
        #expect(Set(draft.names) == Set(family.required + ["output.weight"]))
        for name in family.required {
            #expect(try draft.refusal(without: name) == Self.error(.missingTensor(name)), "\(name)")
        }
        // Without a separate head, the embedding table is the head.
        #expect(try draft.refusal(without: "output.weight") == nil)
    }

    @Test("The error for any tensor that the family does not use names it", arguments: TensorNames.families)
    func unused(family: TensorNames) throws {
        let draft = Draft(family.model)
        let known = Set(family.required + family.optionalBiases + family.ropeFactors)
        #expect(known.count >= 18 && TensorNames.everywhere.count > 350)
        for name in TensorNames.everywhere where !known.contains(name) {
            let reason = GGUFError.Reason.unusedTensor(name, others: 0, architecture: family.testDescription)
            #expect(try draft.refusal(with: [(name, 4)]) == Self.error(reason), "\(name)")
        }
        for name in family.optionalBiases {
            let length = family.length(of: name)
            #expect(try draft.refusal(with: [(name, length)]) == nil, "\(name)")
            let reason = GGUFError.Reason.wrongDimensions(tensor: name, expected: [length], found: [length + 1])
            #expect(try draft.refusal(with: [(name, length + 1)]) == Self.error(reason), "\(name)")
        }
    }

    @Test("Frequency divisors are accepted if the family has them; LongRoPE's two sets must come together")
    func ropeFactors() throws {
        for family in TensorNames.families {
            let draft = Draft(family.model)
            let factors = family.ropeFactors.map { ($0, family.length(of: $0)) }
            #expect(try draft.refusal(with: factors) == nil)
            guard factors.count == 2 else { continue }
            for (given, absent) in [(0, 1), (1, 0)] {
                let reason = GGUFError.Reason.missingTensor(family.ropeFactors[absent])
                #expect(try draft.refusal(with: [factors[given]]) == Self.error(reason))
            }
        }
    }

    @Test("The scaling determines which divisors are used; others are refused")
    func ropeFactorsOfScalings() throws {
        let long: [(name: String, length: Int)] = [("rope_factors_long.weight", 8), ("rope_factors_short.weight", 8)]
        let one: [(name: String, length: Int)] = [("rope_freqs.weight", 8)]
        var model = TensorNames.families[0].model
        model.extraMetadata["rope.scaling.type"] = .string("longrope")
        #expect(try Draft(model).refusal(with: long) == nil)
        let unused = GGUFError.Reason.unusedTensor("rope_freqs.weight", others: 0, architecture: "llama")
        #expect(try Draft(model).refusal(with: one) == Self.error(unused))
        model.extraMetadata["rope.scaling.type"] = .string("yarn")
        model.extraMetadata["rope.scaling.factor"] = .float32(4)
        model.extraMetadata["rope.scaling.original_context_length"] = .uint32(512)
        #expect(try Draft(model).refusal() == nil)
        #expect(try Draft(model).refusal(with: one) == Self.error(unused))
    }

    @Test("The error for several unused tensors names the first, how many more there are, and the way out")
    func sentence() throws {
        let added = [("blk.0.ffn_gate_inp.weight", 4), ("blk.1.ffn_gate_inp.weight", 4), ("v.patch_embd.bias", 4)]
        let error = try #require(try Draft(TensorNames.families[0].model).refusal(with: added))
        #expect(
            error.description == """
                m.gguf has the tensor blk.0.ffn_gate_inp.weight and 2 more that Paceline does not use for the \
                architecture "llama", so its tokens would be wrong; convert the model again with a current converter, \
                or use another model
                """
        )
    }

    @Test("The listed matrices and vectors have the sizes of the packed ones", arguments: TensorNames.families)
    func packed(family: TensorNames) throws {
        var model = family.model
        for name in family.optionalBiases { model.extraVectors[name] = family.length(of: name) }
        let file = try ModelFile(model.file())
        let weights = try model.transformer().weights
        let matrices = file.tensors.matrices.reduce(0) { sum, matrix in
            sum + PackedMatrix.bytes(type: .q8_0, rows: matrix.range.count, columns: matrix.tensor.columns)
        }
        let packed = weights.layers.flatMap { layer in
            layer.inputs + [layer.attentionOutput, layer.gate, layer.up, layer.down]
        }
        #expect(matrices == packed.reduce(weights.output.byteCount) { $0 + $1.byteCount })
        let vectors = file.tensors.vectors.reduce(0) { $0 + $1.range.count }
        let stated = model.tensors().filter { $0.dimensions.count == 1 }.reduce(0) { $0 + $1.dimensions[0] }
        #expect(vectors == stated)
    }
}
