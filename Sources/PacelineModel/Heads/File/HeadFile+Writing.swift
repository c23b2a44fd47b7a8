import CPacelineKernels
package import PacelineTensor
import PacelineTraining

extension HeadFile {
    /// The version of the format.
    static let version = 1

    /// The file's bytes.
    ///
    /// - Parameter type: of matrices, `.f16` or `.f32`; vectors are always float32.
    /// - Throws: ``HeadFileError/Reason`` for a weight that the type cannot hold: no file is written that cannot be
    ///   read.
    package func encoded(_ type: WeightType = .f16) throws(HeadFileError.Reason) -> [UInt8] {
        precondition(type == .f16 || type == .f32)
        var encoder = GGUFEncoder(architecture: network.kind.rawValue)
        encoder.set("general.name", .text("\(network.kind.rawValue) for \(target.name)"))
        for (key, value) in metadata { encoder.set("\(network.kind.rawValue).\(key)", value) }
        for tensor in network.layout.tensors {
            let (name, slice) = (network.tensorName(tensor.name), tensor.slice)
            let numbers = Array(parameters[slice.range])
            let limit: Float = type == .f16 && slice.rows > 1 ? 65_504 : .greatestFiniteMagnitude
            if let index = numbers.firstIndex(where: { !($0.magnitude <= limit) }) {
                throw .notFinite(tensor: name, index: index)
            }
            if slice.rows > 1 {
                let bytes = type == .f16 ? Self.halves(numbers) : Self.singles(numbers)
                encoder.add(name, dimensions: [slice.columns, slice.rows], type: type.rawValue, bytes: bytes)
            } else {
                let type = WeightType.f32.rawValue
                encoder.add(name, dimensions: [slice.columns], type: type, bytes: Self.singles(numbers))
            }
        }
        if let divisors = network.frequencyDivisors?.map(Float.init) {
            let type = WeightType.f32.rawValue
            let bytes = Self.singles(divisors)
            encoder.add("rope_freqs.weight", dimensions: [divisors.count], type: type, bytes: bytes)
        }
        encoder.add("d2t", integers: vocabulary.targetTokens)
        return encoder.bytes
    }

    /// The keys, without the kind's prefix.
    private var metadata: [(String, GGUFEncoder.Value)] {
        let common: [(String, GGUFEncoder.Value)] = [
            ("version", .count(Self.version)),
            ("embedding_length", .count(network.width)),
            ("draft_vocab_size", .count(vocabulary.count)),
            ("target.name", .text(target.name)),
            ("target.fingerprint", .text(target.fingerprint)),
            ("target.tokenizer", .text(target.tokenizer)),
            ("target.embedding_length", .count(target.width)),
            ("target.vocab_size", .count(target.vocabularySize)),
            ("target.block_count", .count(target.layers)),
            ("target.taps", .counts(target.taps.map { $0.number(layers: target.layers) })),
        ]
        switch network {
        case .eagle(let shape): return common + shape.metadata
        case .eagle3(let shape): return common + shape.metadata
        case .medusa(let shape):
            return common + [("head_count", .count(shape.heads)), ("layer_count", .count(shape.blocks))]
        }
    }

    private static func singles(_ numbers: [Float]) -> [UInt8] {
        // Paceline runs on little-endian machines only.
        numbers.withUnsafeBytes { Array($0) }
    }

    private static func halves(_ numbers: [Float]) -> [UInt8] {
        let halves = [UInt16](unsafeUninitializedCapacity: numbers.count) { halves, filled in
            numbers.withUnsafeBufferPointer { from in
                guard let from = from.baseAddress, let to = halves.baseAddress else { return }
                pl_to_half(pl_isa_best(), from, to, Int64(numbers.count))
            }
            filled = numbers.count
        }
        return halves.withUnsafeBytes { Array($0) }
    }
}
