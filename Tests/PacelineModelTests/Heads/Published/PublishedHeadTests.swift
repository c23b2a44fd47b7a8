import Foundation
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTestTraits
import PacelineTraining
import Testing

@Suite("Published heads", .computing)
struct PublishedHeadTests {
    /// A published layout, and what it computes.
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let make: @Sendable () -> PublishedFixture
        var options = PlainPublishedHead.Options()
        var taps: [FeatureTap] = [.normedOutput]

        static func third(_ name: String, _ taps: [Int], _ make: @escaping @Sendable () -> PublishedFixture) -> Case {
            var test = Case(testDescription: name, make: make)
            (test.options.isThird, test.options.prefix) = (true, "midlayer.")
            test.taps = taps.map { $0 == 12 ? .lastOutput : .input(layer: $0) }
            return test
        }
    }

    static let cases: [Case] = {
        let all = [
            Case(testDescription: "EAGLE-1, biased fusion") { .eagle() },
            Case(testDescription: "EAGLE-1, biased attention, bfloat16") { .eagle(type: "BF16", hasBias: false) },
            .third("EAGLE-3", [2, 6, 9]) { .eagle3() },
            .third("EAGLE-3, attention biases", [2, 6, 9]) { .eagle3(hasBias: true) },
        ]
        var specForge = Case.third("SpecForge, EAGLE-3.1", [1, 5, 11]) { .specForge }
        specForge.options.feedsNormed = true
        var speculators = Case.third("speculators", [1, 6, 12]) { .speculators }
        (speculators.options.prefix, speculators.options.normsResidual) = ("layers.0.", true)
        // Turns within 64 positions: 10.2, 2.15, 0.46, 0.096.
        let smooth = (64 * pow(500, -0.25) / (2 * Double.pi) - 1) / 3
        speculators.options.divisors = [1, 1 / ((1 - smooth) / 8 + smooth), 8, 8]
        return all + [specForge, speculators]
    }()

    @Test("the first step's logits, and those after a guess, are a plain forward pass's", arguments: cases)
    func parity(_ test: Case) throws {
        let fixture = test.make()
        let file = try fixture.open()
        #expect(file.target.taps == test.taps)
        #expect(try fixture.taps() == test.taps)
        let plain = Self.plain(fixture, test.options)
        let rows = test.options.isThird ? PublishedFixture.tokens : Array(0..<40)
        try Self.expect(file, plain, rows: rows)
    }

    @Test("llama.cpp's EAGLE-3 file of the same head gives the same logits")
    func gguf() throws {
        let fixture = PublishedFixture.eagle3(type: "F32")
        let bytes = LlamaEagle3(fixture).writer.serialised()
        let file = try fixture.withFile(bytes, name: "head.gguf") {
            try HeadFile.open(path: $0, for: PublishedFixture.target, tokenCount: PublishedFixture.tokenCount)
        }
        #expect(file.target.taps == [.input(layer: 3), .input(layer: 5), .input(layer: 8)])
        var options = PlainPublishedHead.Options()
        (options.isThird, options.prefix) = (true, "midlayer.")
        try Self.expect(file, Self.plain(fixture, options), rows: PublishedFixture.tokens)
    }

    @Test("a map of draft tokens in any order is the same head")
    func order() throws {
        var fixture = PublishedFixture.eagle3(type: "F32")
        let tokens = Array(PublishedFixture.tokens.reversed())
        fixture.add("d2t", integers: tokens.enumerated().map { $1 - $0 })
        var options = PlainPublishedHead.Options()
        (options.isThird, options.prefix) = (true, "midlayer.")
        try Self.expect(try fixture.open(), Self.plain(fixture, options), rows: tokens)
    }

    @Test("a head with a row for every token needs no map")
    func whole() throws {
        var fixture = PublishedFixture.eagle3(type: "F32")
        fixture.tensors["d2t"] = nil
        fixture.tensors["t2d"] = nil
        fixture.configuration["draft_vocab_size"] = nil
        fixture.add("lm_head.weight", [40, 32])
        var options = PlainPublishedHead.Options()
        (options.isThird, options.prefix) = (true, "midlayer.")
        try Self.expect(try fixture.open(), Self.plain(fixture, options), rows: Array(0..<40))
    }

    @Test("Medusa's blocks are read by their places, as many as the file has")
    func medusa() throws {
        let fixture = PublishedFixture.medusa
        let file = try fixture.open()
        #expect(file.network == .medusa(.init(width: 32, heads: 3, blocks: 2, readsTokens: false)))
        let slice = try #require(file.network.layout["2.1.linear.weight"])
        #expect(file.parameters[slice.range].map(Double.init) == fixture.numbers["2.1.linear.weight"])
        #expect(file.vocabulary.targetTokens == Array(0..<38))
    }

    @Test("what was read is written and read as a file of Paceline's own", arguments: cases)
    func conversion(_ test: Case) throws {
        let file = try test.make().open()
        let bytes = try file.encoded(.f32)
        let read = try HeadFile(GGUFFile(bytes: bytes, name: "head.gguf"))
        #expect(read.parameters == file.parameters && read.vocabulary == file.vocabulary)
        #expect(read.network.layout == file.network.layout && read.target == file.target)
    }

    // MARK: Comparing

    private static func plain(_ fixture: PublishedFixture, _ options: PlainPublishedHead.Options) -> PlainPublishedHead
    {
        var random = SplitMix(seed: 31)
        func rows() -> [[Double]] { (0..<40).map { _ in random.values(32).map(Double.init) } }
        return PlainPublishedHead(numbers: fixture.numbers, embedding: rows(), output: rows(), options: options)
    }

    /// - Parameter rows: the target's tokens by the plain head's rows of logits.
    private static func expect(_ file: HeadFile, _ plain: PlainPublishedHead, rows: [Int]) throws {
        let compute = try Compute(threads: 1)
        func matrix(_ rows: [[Double]]) -> Matrix<Float> {
            Matrix(rows: rows.count, columns: 32, values: rows.flatMap { $0.map { Float($0) } })
        }
        let tokens = file.vocabulary.targetTokens
        #expect(tokens == rows.filter { $0 < 38 }.sorted())
        let vocabulary = try TargetVocabulary(
            embedding: matrix(plain.embedding),
            output: matrix(tokens.map { plain.output[$0] }),
            tokens: file.vocabulary,
            compute: compute
        )
        let network = try network(file, vocabulary, compute)
        var (random, context) = (SplitMix(seed: 32), network.emptyContext)
        var known = (0..<6).map { _ in
            let feature = random.values(network.featureWidth, size: 2).map(Double.init)
            return PlainPublishedHead.Row(feature: feature, isOwn: false, token: random.next(below: 38))
        }
        let features = network.fused(known.flatMap { $0.feature.map { Float($0) } }[...])
        #expect(features.count == 6 * 32)
        let first = known.enumerated().map { index, row in
            SelfFedRow(
                feature: features[index * 32..<(index + 1) * 32],
                token: Token(row.token),
                position: index,
                view: .init(base: index + 1, path: [])
            )
        }
        var guess = network.forward(first, context: &context).row(5)
        for step in 0..<3 {
            let carry = plain.carry(known)
            let expected = plain.logits(carry)
            let logits = network.logits(of: [guess]).row(0)
            for (token, logit) in zip(tokens, logits) {
                let place = try #require(rows.firstIndex(of: token))
                #expect((Double(logit) - expected[place]).magnitude < 1e-3, "step \(step), token \(token)")
            }
            let token = random.next(below: 38)
            known.append(.init(feature: carry, isOwn: true, token: token))
            let row = SelfFedRow(
                feature: guess[...],
                token: Token(token),
                position: 6 + step,
                view: .init(base: 7 + step, path: [])
            )
            guess = network.forward([row], context: &context).row(0)
        }
    }

    private static func network(
        _ file: HeadFile,
        _ vocabulary: TargetVocabulary,
        _ compute: Compute
    ) throws -> any SelfFedNetwork {
        switch file.network {
        case .eagle(let shape):
            try EagleNetwork(
                shape,
                parameters: file.parameters,
                vocabulary: vocabulary,
                precision: .float,
                compute: compute
            )
        case .eagle3(let shape):
            try Eagle3Network(
                shape,
                parameters: file.parameters,
                vocabulary: vocabulary,
                precision: .float,
                compute: compute
            )
        case .medusa: preconditionFailure("no such case")
        }
    }
}

/// An EAGLE-3 head in llama.cpp's layout, as its converter writes it.
struct LlamaEagle3 {
    private(set) var writer = GGUFWriter()

    init(_ head: PublishedFixture) {
        writer.add("general.architecture", .string("eagle3"))
        let counts = [
            ("block_count", 1), ("embedding_length", 32), ("feed_forward_length", 48), ("attention.head_count", 4),
            ("attention.head_count_kv", 2), ("attention.key_length", 8), ("target_hidden_size", 32),
        ]
        for (key, count) in counts { writer.add("eagle3.\(key)", .uint32(UInt32(count))) }
        writer.add("eagle3.rope.freq_base", .float32(500))
        writer.add("eagle3.attention.layer_norm_rms_epsilon", .float32(1e-5))
        writer.add("eagle3.target_layers", .int32s([3, 5, 8]))
        let layer = [
            "attn_norm": "input_layernorm", "attn_norm_2": "hidden_norm", "ffn_norm": "post_attention_layernorm",
            "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
            "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
            "ffn_down": "mlp.down_proj",
        ]
        for (own, theirs) in layer { add("blk.0.\(own).weight", head, "midlayer.\(theirs).weight") }
        add("fc.weight", head, "fc.weight")
        add("output_norm.weight", head, "norm.weight")
        add("output.weight", head, "lm_head.weight")
        let ids = PublishedFixture.tokens.flatMap { token in withUnsafeBytes(of: Int64(token)) { Array($0) } }
        writer.addTensor("d2t", dimensions: [UInt64(PublishedFixture.tokens.count)], type: 27, bytes: ids)
    }

    private mutating func add(_ own: String, _ head: PublishedFixture, _ theirs: String) {
        guard let tensor = head.tensors[theirs], var numbers = head.numbers[theirs] else { return }
        if own.contains("attn_q") || own.contains("attn_k") { numbers = permuted(numbers, columns: tensor.shape[1]) }
        let bytes = numbers.flatMap { number in withUnsafeBytes(of: Float(number)) { Array($0) } }
        writer.addTensor(own, dimensions: tensor.shape.reversed().map { UInt64($0) }, type: 0, bytes: bytes)
    }

    /// llama's order: the values of a pair are neighbours.
    private func permuted(_ numbers: [Double], columns: Int) -> [Double] {
        var result: [Double] = []
        for head in stride(from: 0, to: numbers.count / columns, by: 8) {
            for pair in 0..<4 {
                for row in [head + pair, head + pair + 4] { result += numbers[row * columns..<(row + 1) * columns] }
            }
        }
        return result
    }
}
