import PacelineChat
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import PacelineTestTraits
import Testing

@Suite("Damaged GGUF files", .computing)
struct GGUFDamageTests {
    private func reason(_ bytes: [UInt8]) -> GGUFError.Reason? {
        do {
            _ = try GGUFFile(bytes: bytes, name: "bad.gguf")
            return nil
        } catch {
            return error.reason
        }
    }

    private func reason(_ build: (inout GGUFWriter) -> Void) -> GGUFError.Reason? {
        var writer = GGUFWriter()
        build(&writer)
        return reason(writer.serialised())
    }

    @Test("a wrong magic, byte order and version have different errors")
    func heads() {
        #expect(reason([]) == .wrongMagic(found: []))
        #expect(reason(Array("GGU".utf8)) == .wrongMagic(found: Array("GGU".utf8)))
        #expect(reason(Array("GET / HTTP/1.1".utf8)) == .wrongMagic(found: Array("GET ".utf8)))
        #expect(reason { $0.version = UInt32(3).byteSwapped } == .bigEndian)
        #expect(reason { $0.version = 1 } == .unsupportedVersion(1))
        #expect(reason { $0.version = 4 } == .unsupportedVersion(4))
        #expect(reason { $0.version = 0 } == .unsupportedVersion(0))
    }

    @Test("counts and lengths beyond the file are refused before any allocation")
    func absurdCounts() {
        var tensors = GGUFWriter().serialised()
        tensors.replaceSubrange(8..<16, with: [UInt8](repeating: 255, count: 8))
        #expect(reason(tensors) == .absurdCount(what: "tensors", count: .max, limit: 0))
        var entries = GGUFWriter().serialised()
        entries.replaceSubrange(16..<24, with: [0, 0, 0, 0, 0, 0, 0, 128])
        #expect(reason(entries) == .absurdCount(what: "metadata entries", count: 1 << 63, limit: 0))
        let length: [UInt8] = [255, 255, 255, 255, 255, 255, 255, 127]
        let text = reason { $0.add("k", .raw(type: 8, bytes: length)) }
        #expect(text == .truncated(what: "the value of k", offset: 45, needed: UInt64(Int.max), available: 19))
        let array = reason { $0.add("k", .raw(type: 9, bytes: [4, 0, 0, 0] + length)) }
        #expect(array == .absurdCount(what: "elements of k", count: UInt64(Int.max), limit: 3))
        let strings = reason { $0.add("k", .raw(type: 9, bytes: [8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0] + length)) }
        #expect(strings == .truncated(what: "the elements of k", offset: 49, needed: UInt64(Int.max), available: 15))
    }

    @Test("duplicate keys and tensors are refused by name")
    func duplicates() {
        let twice = reason {
            $0.add("k", .bool(true))
            $0.add("k", .uint8(1))
        }
        #expect(twice == .duplicateKey("k"))
        let tensor = reason {
            $0.addTensor("w", dimensions: [1], type: 0, bytes: [0, 0, 0, 0])
            $0.addTensor("w", dimensions: [1], type: 0, bytes: [0, 0, 0, 0])
        }
        #expect(tensor == .duplicateTensor("w"))
    }

    @Test("invalid values are refused")
    func values() {
        #expect(reason { $0.add("k", .raw(type: 13, bytes: [0])) } == .unknownValueType(key: "k", type: 13))
        #expect(reason { $0.add("k", .raw(type: 7, bytes: [2])) } == .invalidBool(key: "k", byte: 2))
        let nested: [UInt8] = [9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        #expect(reason { $0.add("k", .raw(type: 9, bytes: nested)) } == .nestedArray(key: "k"))
        let latin: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0, 0xE9]
        #expect(reason { $0.add("k", .raw(type: 8, bytes: latin)) } == .invalidText(what: "the value of k"))
        for alignment: UInt32 in [0, 3, 1 << 20] {
            #expect(reason { $0.add("general.alignment", .uint32(alignment)) } == .invalidAlignment(UInt64(alignment)))
        }
    }

    @Test(
        "invalid tensor shapes and offsets are refused",
        arguments: [
            ([], nil), ([0], nil), ([4, 0], nil), ([1, 1, 1, 1, 1], nil), ([UInt64.max], nil),
            ([1 << 32, 1 << 32], nil), ([1 << 62, 1], nil), ([UInt64.max, UInt64.max, UInt64.max, UInt64.max], nil),
            ([1], UInt64.max - 31), ([1], 1 << 40), ([1], 32), ([1], 1), ([1 << 40], nil),
        ] as [([UInt64], UInt64?)]
    )
    func tensors(dimensions: [UInt64], offset: UInt64?) throws {
        let found = reason {
            $0.addTensor("w", dimensions: dimensions, type: 0, bytes: [0, 0, 0, 0], offset: offset)
        }
        switch try #require(found) {
        case .invalidDimensions, .tensorOutsideFile, .misalignedTensor, .absurdCount: break
        case let other: Issue.record("\(other)")
        }
    }

    @Test("rows that are not whole blocks are refused")
    func partialBlocks() {
        let found = reason { $0.addTensor("w", dimensions: [48, 2], type: 2, bytes: [UInt8](repeating: 0, count: 54)) }
        #expect(found == .partialBlock(tensor: "w", type: "Q4_0", length: 48, block: 32))
    }

    @Test("every truncation of a file with values of every kind is refused")
    func everyCut() throws {
        var writer = GGUFWriter()
        writer.alignment = 1
        writer.add("general.alignment", .uint32(1))
        let numbers: [GGUFWriter.Value] = [
            .uint8(1), .int8(1), .uint16(1), .int16(1), .uint32(1), .int32(1), .uint64(1), .int64(1), .float32(1),
            .float64(1), .bool(true), .string("text"), .strings(["a", "", "bc"]), .int32s([1, 2]), .strings(["last"]),
        ]
        for (index, number) in numbers.enumerated() { writer.add("key\(index)", number) }
        // The data section ends at the end of the file, so every cut loses data.
        writer.addTensor("w", dimensions: [2], type: 0, bytes: [UInt8](repeating: 1, count: 8))
        let whole = writer.serialised()
        #expect(reason(whole) == nil)
        for cut in whole.indices {
            switch try #require(reason(Array(whole[..<cut])), "cut at \(cut)") {
            case .wrongMagic, .truncated, .absurdCount, .tensorOutsideFile: break
            case let other: Issue.record("cut at \(cut): \(other)")
            }
        }
    }

    @Test("every truncation of a small model is refused with an error that names the file")
    func truncations() throws {
        let whole = SmallModel.bytes
        #expect(try SmallModel.use(whole))
        // Every cut in the first part of the header, then 200 anywhere.
        var generator = SplitMix(seed: 7)
        let cuts = Array(0..<512) + (0..<200).map { _ in Int.random(in: 0..<whole.count - 32, using: &generator) }
        for cut in cuts {
            let error = #expect(throws: GGUFError.self, "cut at \(cut)") { try SmallModel.use(Array(whole[..<cut])) }
            #expect(error?.description.hasPrefix("small.gguf ") == true)
        }
    }

    @Test("flipped bits give a typed error or a usable file, never a trap")
    func bitFlips() {
        let whole = SmallModel.bytes
        var generator = SplitMix(seed: 8)
        var refused = 0
        for round in 0..<600 {
            var bytes = whole
            // Mostly in the header, which controls the reader.
            let limit = round % 3 == 0 ? whole.count : 1200
            for _ in 0...round % 2 {
                bytes[Int.random(in: 0..<limit, using: &generator)] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
            do {
                _ = try SmallModel.use(bytes)
            } catch is GGUFError {
                refused += 1
            } catch is TokenizerError {
                refused += 1
            } catch is TemplateError {
                refused += 1
            } catch {
                Issue.record("an error of another kind: \(error)")
            }
        }
        #expect(refused > 100)
    }
}

/// A model small enough to damage thousands of times.
private enum SmallModel {
    static let bytes: [UInt8] = {
        var model = TinyModel()
        model.blockCount = 1
        model.embeddingLength = 32
        model.feedForwardLength = 32
        model.headCount = 2
        model.keyValueHeadCount = 1
        return model.serialised()
    }()

    /// Opens a file and reads everything in it. Returns true at the end.
    static func use(_ bytes: [UInt8]) throws -> Bool {
        let file = try GGUFFile(bytes: bytes, name: "small.gguf")
        _ = try ModelConfiguration(file)
        let tokenizer = try Tokenizer(file)
        _ = try tokenizer.decode(tokenizer.encode("the <|im_start|> first\n 12"))
        _ = try ChatRenderer(file, tokenizer: tokenizer).render([], time: 0)
        for case .array(let array) in file.metadata.values {
            _ = (array.strings, array.integers, array.floats)
        }
        let sum = file.tensors.values.reduce(0) { $0 &+ $1.withBytes { $0.reduce(0) { $0 &+ Int($1) } } }
        return sum > 0
    }
}
