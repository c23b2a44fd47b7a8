import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTraining
import Testing

@Suite("Head files")
struct HeadFileTests {
    @Test("reading float32 gives what was written", arguments: HeadFile.Kind.allCases)
    func roundTrip(_ kind: HeadFile.Kind) throws {
        let head = try Self.head(kind)
        #expect(try Self.read(head.encoded(.f32)) == head)
    }

    @Test("all flags of an EAGLE head come back")
    func flags() throws {
        for bits in 0..<64 {
            let head = try SmallHead { shape in
                shape.hasFusionBias = bits & 1 != 0
                shape.normsEmbedding = bits & 2 != 0
                shape.normsFeature = bits & 4 != 0
                shape.normsLayerInput = bits & 8 != 0
                shape.normsOutput = bits & 16 != 0
                shape.layer.hasAttentionBias = bits & 32 != 0
                if bits.isMultiple(of: 3) {
                    shape.layer.rotary = RotaryEmbedding(dimensions: 6, pairing: .neighbours, theta: 5e5)
                }
            }.file
            #expect(try Self.read(head.encoded(.f32)) == head)
        }
    }

    @Test("float16 rounds matrices to 11 bits and leaves vectors")
    func halves() throws {
        let head = try SmallHead().file
        let bytes = try head.encoded(.f16)
        let read = try Self.read(bytes)
        #expect(bytes.count < (try head.encoded(.f32)).count * 6 / 10)
        for tensor in head.network.layout.tensors {
            for index in tensor.slice.range {
                let (own, other) = (head.parameters[index], read.parameters[index])
                let allowed = tensor.slice.rows > 1 ? own.magnitude * 0x1p-11 + 0x1p-25 : 0
                #expect((own - other).magnitude <= allowed)
            }
        }
    }

    @Test("a weight that float16 cannot hold is refused when it is written")
    func overflow() throws {
        var head = try SmallHead().file
        head.parameters[3] = 70_000
        #expect(throws: HeadFileError.Reason.notFinite(tensor: "enorm.weight", index: 3)) {
            var broken = head
            broken.parameters[3] = .nan
            return try broken.encoded(.f32)
        }
        let place = try #require(head.network.layout["fc.weight"]).offset
        head.parameters[place + 5] = 70_000
        #expect(throws: HeadFileError.Reason.notFinite(tensor: "fc.weight", index: 5)) { try head.encoded(.f16) }
        #expect(try Self.read(head.encoded(.f32)) == head)
    }

    @Test("a head for another target is refused, and told which", arguments: ["width", "layers", "vocabulary"])
    func otherTarget(_ part: String) throws {
        let parts: [String: (String, WritableKeyPath<HeadTarget, Int>)] = [
            "width": ("width", \.width), "layers": ("number of layers", \.layers),
            "vocabulary": ("vocabulary's size", \.vocabularySize),
        ]
        let (what, path) = try #require(parts[part])
        let head = try SmallHead().file
        try head.check(for: SmallHead.target, path: "x.gguf")
        var other = SmallHead.target
        other[keyPath: path] += 1
        let error = #expect(throws: HeadFileError.self) { try head.check(for: other, path: "x.gguf") }
        let found = "\(SmallHead.target[keyPath: path])"
        #expect("\(try #require(error))".contains("whose \(what) is \(found), but that of the target is"))
        other = SmallHead.target
        other.tokenizer = "beef"
        #expect(throws: HeadFileError.self) { try head.check(for: other, path: "x.gguf") }
        other = SmallHead.target
        (other.name, other.fingerprint) = ("another quantisation", "00")
        try head.check(for: other, path: "x.gguf")
    }

    @Test(
        "damage anywhere is refused or gives a head that is whole, and never traps",
        arguments: HeadFile.Kind.allCases
    )
    func mutations(_ kind: HeadFile.Kind) throws {
        let bytes = try Self.head(kind).encoded(.f16)
        var random = SplitMix(seed: 77)
        let header = min(bytes.count, 3000)
        var refused = 0
        for round in 0..<600 {
            var copy = bytes
            for _ in 0..<1 + random.next(below: 4) {
                // Most damage in the header, where it matters.
                let place = random.next(below: round % 4 == 0 ? copy.count : header)
                copy[place] = round % 3 == 0 ? 0xff : UInt8(random.next(below: 256))
            }
            if round % 10 == 0 { copy.removeLast(random.next(below: copy.count)) }
            do {
                let head = try Self.read(copy)
                #expect(head.parameters.allSatisfy { $0.isFinite })
                #expect(head.parameters.count == head.network.layout.count)
                #expect(head.vocabulary.targetTokens.allSatisfy { $0 < head.vocabulary.targetCount })
            } catch is HeadFileError {
                refused += 1
            } catch is GGUFError {
                refused += 1
            }
        }
        #expect(refused > 100)
    }

    static func head(_ kind: HeadFile.Kind) throws -> HeadFile {
        var head = try SmallHead(seed: 3).file
        guard kind != .eagle else { return head }
        let shape = MedusaHeads<Float>.Shape(width: SmallHead.width, heads: 3, blocks: 2, readsTokens: kind == .hydra)
        var numbers = SplitMix(seed: 4)
        head = HeadFile(
            network: .medusa(shape),
            parameters: numbers.values(shape.layout.count),
            vocabulary: head.vocabulary,
            target: head.target
        )
        return head
    }

    static func read(_ bytes: [UInt8]) throws -> HeadFile {
        try HeadFile(GGUFFile(bytes: bytes, name: "head.gguf"))
    }
}
