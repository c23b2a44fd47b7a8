import PacelineModel
import PacelineTestKit
import Testing

@Suite("Reading GGUF files")
struct GGUFReadingTests {
    private func file(_ build: (inout GGUFWriter) -> Void) throws -> GGUFFile {
        var writer = GGUFWriter()
        build(&writer)
        return try GGUFFile(bytes: writer.serialised(), name: "test.gguf")
    }

    @Test("every value type is read as written, including extreme values")
    func values() throws {
        let file = try file { writer in
            writer.add("u8", .uint8(.max))
            writer.add("i8", .int8(.min))
            writer.add("u16", .uint16(.max))
            writer.add("i16", .int16(.min))
            writer.add("u32", .uint32(.max))
            writer.add("i32", .int32(.min))
            writer.add("i64", .int64(.min))
            writer.add("f32", .float32(-0.375))
            writer.add("f64", .float64(1e-3))
            writer.add("yes", .bool(true))
            writer.add("text", .string("é\u{0}中"))
        }
        #expect(try file.int("u8") == 255)
        #expect(try file.int("i8") == -128)
        #expect(try file.int("u16") == 65535)
        #expect(try file.int("i16") == -32768)
        #expect(try file.int("u32") == 4_294_967_295)
        #expect(try file.int("i32") == -2_147_483_648)
        #expect(try file.int("i64") == Int.min)
        #expect(try file.float("f32") == -0.375)
        #expect(try file.float("f64") == 1e-3)
        #expect(try file.boolIfPresent("yes") == true)
        #expect(try file.string("text") == "é\u{0}中")
        #expect(file.metadataKeys == ["u8", "i8", "u16", "i16", "u32", "i32", "i64", "f32", "f64", "yes", "text"])
    }

    @Test("arrays are read as written, including empty ones")
    func arrays() throws {
        let texts = ["", "a", "two words", "漢字"]
        let file = try file { writer in
            writer.add("strings", .strings(texts))
            writer.add("none", .strings([]))
            writer.add("i32", .int32s([.min, -1, 0, .max]))
            writer.add("u8", .uint8s([0, 255]))
            writer.add("f32", .float32s([0.5, -2]))
            writer.add(
                "u64",
                .raw(type: 9, bytes: [10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 255, count: 8))
            )
        }
        #expect(try file.stringArray("strings").strings == texts)
        #expect(try file.stringArray("none").strings.isEmpty)
        #expect(try file.integerArrayIfPresent("i32") == [-2_147_483_648, -1, 0, 2_147_483_647])
        #expect(try file.integerArrayIfPresent("u8") == [0, 255])
        guard case .array(let floats) = file.metadata["f32"] else { throw Missing() }
        #expect(floats.floats == [0.5, -2])
        #expect(throws: GGUFError.self) { try file.integerArrayIfPresent("u64") }
        #expect(try file.integerArrayIfPresent("absent") == nil)
    }

    private struct Missing: Error {}

    @Test("tensors are found in versions 2 and 3 at any alignment", arguments: [2, 3] as [UInt32], [8, 32, 4096])
    func tensors(version: UInt32, alignment: Int) throws {
        let first = (0..<64).map(UInt8.init), second = (100..<112).map(UInt8.init)
        let file = try file { writer in
            writer.version = version
            writer.alignment = alignment
            writer.add("general.alignment", .uint32(UInt32(alignment)))
            writer.addTensor("first", dimensions: [4, 2, 2], type: 0, bytes: first)
            writer.addTensor("second", dimensions: [6], type: 1, bytes: second)
        }
        #expect(file.version == version)
        #expect(file.tensorNames == ["first", "second"])
        let tensor = try file.tensor("first", dimensions: [4, 2, 2])
        #expect(tensor.withBytes { Array($0) } == first)
        #expect((tensor.columns, tensor.rows, tensor.elementCount) == (4, 4, 16))
        #expect(tensor.range.lowerBound % alignment == 0)
        let half = try file.tensor("second")
        #expect(half.withBytes { Array($0) } == second)
        #expect(half.typeName == "F16")
    }

    @Test("the error for a value of the wrong kind names the key, the expected kind and the found kind")
    func wrongKinds() throws {
        let file = try file { writer in
            writer.add("text", .string("x"))
            writer.add("list", .strings(["x"]))
            writer.add("huge", .uint64(.max))
        }
        let expected: [(GGUFError.Reason, () throws -> Any?)] = [
            (.wrongKind(key: "text", expected: "an integer", found: "a string"), { try file.int("text") }),
            (.wrongKind(key: "text", expected: "a float", found: "a string"), { try file.floatIfPresent("text") }),
            (
                .wrongKind(key: "list", expected: "a bool", found: "an array of string"),
                { try file.boolIfPresent("list") }
            ),
            (.wrongKind(key: "huge", expected: "a string", found: "an integer"), { try file.string("huge") }),
            (
                .outOfRange(key: "huge", value: "18446744073709551615", expected: "a number below 2^63"),
                { try file.int("huge") }
            ),
            (.missingKey("none", expected: "an array of strings"), { try file.stringArray("none") }),
            (.missingKey("none", expected: "a string"), { try file.string("none") }),
        ]
        for (reason, read) in expected {
            #expect(throws: GGUFError(path: "test.gguf", reason: reason)) { _ = try read() }
        }
    }

    @Test("an unsupported weight type is an error only when its tensor is used")
    func unknownType() throws {
        let file = try file { writer in
            writer.addTensor("known", dimensions: [1], type: 0, bytes: [0, 0, 0, 0])
            writer.addTensor("rare", dimensions: [256], type: 16, bytes: [])
            writer.addTensor("new", dimensions: [256], type: 4_000_000_000, bytes: [])
        }
        #expect(try file.tensor("known").elementCount == 1)
        let rare = #expect(throws: GGUFError.self) { try file.tensor("rare") }
        #expect(
            rare?.description.contains("weight type IQ2_XXS in the tensor rare; use a file with one of F32, F16")
                == true
        )
        let new = #expect(throws: GGUFError.self) { try file.tensor("new") }
        #expect(new?.description.contains("weight type number 4000000000 in the tensor new") == true)
    }

    @Test("errors name a missing tensor and a wrong shape")
    func wrongTensors() throws {
        let file = try file { $0.addTensor("w", dimensions: [2, 1], type: 1, bytes: [0, 0, 0, 0]) }
        #expect(throws: GGUFError(path: "test.gguf", reason: .missingTensor("v"))) { try file.tensor("v") }
        let reason = GGUFError.Reason.wrongDimensions(tensor: "w", expected: [1, 2], found: [2, 1])
        #expect(throws: GGUFError(path: "test.gguf", reason: reason)) { try file.tensor("w", dimensions: [1, 2]) }
    }
}
