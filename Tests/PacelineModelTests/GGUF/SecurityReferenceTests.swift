import PacelineModel
import PacelineTestKit
import Testing

/// Holes that were found in other systems, and the rules that keep them out of the reader of model files.
/// `Protocols/SECURITY.md` lists them.
@Suite("Security references: model files")
struct GGUFSecurityReferenceTests {
    private static func reason(_ build: (inout GGUFWriter) -> Void) -> GGUFError.Reason? {
        var writer = GGUFWriter()
        build(&writer)
        do {
            _ = try GGUFFile(bytes: writer.serialised(), name: "hostile.gguf")
            return nil
        } catch {
            return error.reason
        }
    }

    @Test("CVE-2026-61695: lengths that are negative as signed numbers are refused before anything is copied")
    func negativeLengths() {
        for length: [UInt8] in [
            [255, 255, 255, 255, 255, 255, 255, 255], [0, 0, 0, 0, 0, 0, 0, 128], [255, 255, 255, 255, 0, 0, 0, 0],
        ] {
            #expect(Self.reason { $0.add("k", .raw(type: 8, bytes: length)) } != nil, "a text of \(length)")
            for type: UInt8 in 0...12 {
                #expect(Self.reason { $0.add("k", .raw(type: 9, bytes: [type, 0, 0, 0] + length)) } != nil)
            }
        }
    }

    @Test("llama.cpp #13067, #9799, #25289: unknown types and dimensions of zero are refused, and no sum wraps round")
    func typesAndDimensions() throws {
        for type: UInt32 in [13, 255, .max] {
            #expect(
                Self.reason { $0.add("k", .raw(type: type, bytes: [0])) } == .unknownValueType(key: "k", type: type)
            )
        }
        for dimensions: [UInt64] in [
            [0], [4, 0], [0, 4], [1 << 63, 2], [1 << 32, 1 << 32], [.max, .max], [1 << 61, 1 << 2, 1 << 2],
        ] {
            let reason = Self.reason { $0.addTensor("w", dimensions: dimensions, type: 0, bytes: [0, 0, 0, 0]) }
            #expect(reason != nil, "\(dimensions)")
        }
        for offset: UInt64 in [.max, .max - 31, 1 << 63, 1 << 40] {
            let reason = Self.reason {
                $0.addTensor("w", dimensions: [1], type: 0, bytes: [0, 0, 0, 0], offset: offset)
            }
            #expect(reason != nil, "\(offset)")
        }
    }

    @Test("CVE-2025-62164: a tensor is bytes within its file; nothing in a file is an object, a program or a path")
    func tensorsAreBytes() throws {
        var writer = GGUFWriter()
        writer.add("general.source.path", .string("/etc/passwd"))
        writer.addTensor("w", dimensions: [4], type: 0, bytes: [UInt8](1...16))
        let file = try GGUFFile(bytes: writer.serialised(), name: "plain.gguf")
        let tensor = try file.tensor("w", dimensions: [4])
        #expect(tensor.withBytes { Array($0) } == Array(1...16))
        #expect(file.files.count == 1, "a path in a file opens nothing")
        // A weight type that there are no kernels for is refused by name, not interpreted.
        var unknown = GGUFWriter()
        unknown.addTensor("w", dimensions: [4], type: 4_000, bytes: [UInt8](1...16))
        let refused = try GGUFFile(bytes: unknown.serialised(), name: "unknown.gguf")
        #expect(throws: GGUFError.self) { try refused.tensor("w") }
    }
}
