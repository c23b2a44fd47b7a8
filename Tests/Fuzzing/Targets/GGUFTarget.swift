import PacelineModel
import PacelineTensor
import PacelineTestKit

/// Model files. A file is used as far as loading goes without arithmetic, or refused in one sentence.
struct GGUFTarget: FuzzTarget {
    init() {}

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        do {
            let file = try GGUFFile(bytes: input, name: "fuzzed.gguf")
            try Self.readValues(of: file)
            let model = try ModelFile(file)
            let demand = MemoryDemand(
                model,
                slots: model.configuration.contextLength,
                contextLength: model.configuration.contextLength,
                sequences: 8,
                cacheType: .f16
            )
            guard demand.total > 0 else { throw FuzzFinding("a model needs \(demand.total) bytes") }
            _ = try model.tokenizer.decode(model.tokenizer.encode("the <|im_start|> first\n 12"))
            return true
        } catch let error where error is GGUFError || error is TokenizerError {
            guard !"\(error)".contains("\n") else { throw FuzzFinding("more than one line: \(error)") }
            return false
        }
    }

    /// Touches every value and every weight: none may lie outside the file.
    private static func readValues(of file: GGUFFile) throws {
        for case .array(let array) in file.metadata.values { _ = (array.strings, array.integers, array.floats) }
        for tensor in file.tensors.values {
            _ = tensor.withBytes { bytes in (bytes.first ?? 0) &+ (bytes.last ?? 0) }
        }
    }

    func seeds() throws -> [FuzzSeed] {
        var values = GGUFWriter()
        let all: [GGUFWriter.Value] = [
            .uint8(1), .int8(-1), .uint16(2), .int16(-2), .uint32(3), .int32(-3), .uint64(4), .int64(-4),
            .float32(1.5), .float64(2.5), .bool(true), .string("text"), .strings(["a", ""]), .int32s([1, -2]),
            .uint8s([1, 2]), .float32s([0.5]),
        ]
        for (place, value) in all.enumerated() { values.add("key.\(place)", value) }
        values.addTensor("weight", dimensions: [32, 2], type: 8, bytes: [UInt8](repeating: 1, count: 68))
        let models = [TinyModel.Family.llama, .qwen3, .gemma3, .phi3].map { family in
            FuzzSeed("model-\(family)", Self.model(family).serialised())
        }
        return [
            FuzzSeed("empty", GGUFWriter().serialised()), FuzzSeed("values", values.serialised()),
            FuzzSeed("pieces", Pieces.file()),
        ] + models
    }

    /// The smallest model of a family, with a few tokens instead of a vocabulary.
    private static func model(_ family: TinyModel.Family) -> GGUFWriter {
        var model = TinyModel()
        (model.family, model.weights, model.blockCount) = (family, .f16, 1)
        (model.embeddingLength, model.feedForwardLength) = (8, 8)
        (model.headCount, model.keyValueHeadCount) = (2, 1)
        var writer = model.writer()
        writer.set("tokenizer.ggml.tokens", .strings(["a", "b", "ab", "<e>"]))
        writer.set("tokenizer.ggml.token_type", .int32s([1, 1, 1, 3]))
        writer.set("tokenizer.ggml.merges", .strings(["a b"]))
        writer.set("tokenizer.ggml.bos_token_id", .uint32(3))
        writer.set("tokenizer.ggml.eos_token_id", .uint32(3))
        writer.set("\(family.rawValue).vocab_size", .uint32(4))
        writer.claim("token_embd.weight", dimensions: [8, 4])
        writer.claim("output.weight", dimensions: [8, 4])
        return writer
    }
}

/// A SentencePiece vocabulary in a file without weights.
enum Pieces {
    static func file() -> [UInt8] {
        var tokens = [
            "<unk>", "<s>", "</s>", "  ", "\u{2581}", "\u{2581}the", "th", "he", "a", "t", "h", "e", "\u{e9}",
        ]
        var types: [Int32] = [2, 3, 3, 4] + Array(repeating: 1, count: 9)
        var scores: [Float] = [0, 0, 0, -1000, -3, -1, -2, -2.5, -5, -5, -5, -5, -6]
        for byte in 0..<256 {
            let digits = String(byte, radix: 16, uppercase: true)
            tokens.append("<0x" + (digits.count < 2 ? "0" : "") + digits + ">")
            types.append(6)
            scores.append(0)
        }
        var writer = GGUFWriter()
        writer.add("general.architecture", .string("llama"))
        writer.add("tokenizer.ggml.model", .string("llama"))
        writer.add("tokenizer.ggml.tokens", .strings(tokens))
        writer.add("tokenizer.ggml.token_type", .int32s(types))
        writer.add("tokenizer.ggml.scores", .float32s(scores))
        writer.add("tokenizer.ggml.bos_token_id", .uint32(1))
        writer.add("tokenizer.ggml.eos_token_id", .uint32(2))
        return writer.serialised()
    }
}
