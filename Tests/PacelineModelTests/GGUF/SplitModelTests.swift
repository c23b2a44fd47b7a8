import Foundation
import PacelineModel
import PacelineTestKit
import Testing

/// Models split into several files, as llama.cpp's gguf-split writes them.
@Suite("Split models")
struct SplitModelTests {
    /// The shards of a model, which a test can change before they are written to a folder.
    private struct Draft {
        static let model: TinyModel = {
            var model = TinyModel()
            model.embeddingLength = 64
            model.feedForwardLength = 96
            return model
        }()
        static let tensors = model.tensors()

        /// The index of each shard's first tensor. The first shard may have no tensors.
        var starts = [0, 5, 12]
        /// `split.no` of each shard, from 0.
        var numbers: [UInt16?] = [0, 1, 2]
        var counts: [UInt16?] = [3, 3, 3]
        var tensorCount: Int32?
        var names = [1, 2, 3].map { "tiny-0000\($0)-of-00003.gguf" }
        var absent: Set<Int> = []
        /// By shard: the index of a tensor that it has in addition to its own.
        var repeated: [Int: Int] = [:]

        func with<R>(_ body: (URL) throws -> R) throws -> R {
            let folder = FileManager.default.temporaryDirectory.appending(path: "paceline-split-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let tensors = Self.tensors
            for shard in starts.indices where !absent.contains(shard) {
                var writer = shard == 0 ? Self.model.header() : GGUFWriter()
                if let number = numbers[shard] { writer.add("split.no", .uint16(number)) }
                if let count = counts[shard] { writer.add("split.count", .uint16(count)) }
                writer.add("split.tensors.count", .int32(tensorCount ?? Int32(tensors.count)))
                let end = shard + 1 < starts.count ? starts[shard + 1] : tensors.count
                for tensor in tensors[starts[shard]..<end] { writer.add(tensor) }
                if let index = repeated[shard] { writer.add(tensors[index]) }
                try Data(writer.serialised()).write(to: folder.appending(path: names[shard]))
            }
            return try body(folder)
        }

        /// The error from opening a shard, without the folder's path; nil if it opens.
        func refusal(opening shard: Int = 0) throws -> String? {
            try with { folder in
                do {
                    _ = try GGUFFile(path: folder.appending(path: names[shard]).path)
                    return nil
                } catch {
                    return "\(error)".replacing(folder.path + "/", with: "")
                }
            }
        }
    }

    @Test("A split model equals the whole model", arguments: [[0, 5, 12], [0, 0, 1], [0, 1, 20]])
    func whole(starts: [Int]) throws {
        var draft = Draft()
        draft.starts = starts
        let whole = try Draft.model.file()
        try draft.with { folder in
            let paths = draft.names.map { folder.appending(path: $0).path }
            let file = try GGUFFile(path: paths[0])
            #expect(file.path == paths[0] && file.files.map(\.path) == paths)
            let sizes = try paths.map { try MappedFile(path: $0).count }
            #expect(file.byteCount == sizes.reduce(0, +))
            #expect(file.tensorNames == whole.tensorNames)
            for name in whole.tensorNames {
                let (tensor, expected) = (try file.tensor(name), try whole.tensor(name))
                #expect(tensor.dimensions == expected.dimensions && tensor.type == expected.type)
                #expect(tensor.withBytes { Array($0) } == expected.withBytes { Array($0) })
            }
            #expect(try ModelConfiguration(file) == ModelConfiguration(whole))
        }
    }

    @Test("The error for a missing shard names it and its number")
    func missing() throws {
        for shard in [1, 2] {
            var draft = Draft()
            draft.absent = [shard]
            let expected = """
                tiny-00001-of-00003.gguf lacks shard \(shard + 1) of 3: tiny-0000\(shard + 1)-of-00003.gguf cannot be \
                read (No such file or directory); put all shards in one folder
                """
            #expect(try draft.refusal() == expected)
        }
    }

    @Test("Opening a later shard fails, and the error names the first one")
    func later() throws {
        for shard in [1, 2] {
            let expected = "\(Draft().names[shard]) is shard \(shard + 1) of 3 of a split model; name the first one, "
            #expect(try Draft().refusal(opening: shard) == expected + Draft().names[0])
        }
        var draft = Draft()
        draft.names[1] = "second.gguf"
        #expect(try draft.refusal(opening: 1) == "second.gguf is shard 2 of 3 of a split model; name the first one")
    }

    @Test(
        "A first shard is refused if its name does not lead to the others",
        arguments: [
            "tiny.gguf", "tiny-00001-of-00002.gguf", "tiny-00002-of-00003.gguf", "tiny-1-of-3.gguf",
            "00001-of-00003.gguf",
        ]
    )
    func renamed(name: String) throws {
        var draft = Draft()
        draft.absent = [1, 2]
        draft.names[0] = name
        let expected = """
            \(name) is shard 1 of 3 of a split model, but the others cannot be found because its name does not end in \
            -00001-of-00003.gguf; restore the shards' original names
            """
        #expect(try draft.refusal() == expected)
    }

    @Test("A shard of another split is refused, with its place and its own numbers")
    func foreign() throws {
        let cases: [(numbers: [UInt16?], counts: [UInt16?], shard: Int, words: String)] = [
            ([0, 2, 2], [3, 3, 3], 2, "split.no is 2 and its split.count is 3, not 1 and 3"),
            ([0, 1, 1], [3, 3, 3], 3, "split.no is 1 and its split.count is 3, not 2 and 3"),
            ([0, 1, 2], [3, 4, 3], 2, "split.no is 1 and its split.count is 4, not 1 and 3"),
            ([0, nil, 2], [3, 3, 3], 2, "split.no is missing and its split.count is 3, not 1 and 3"),
            ([0, 1, 2], [3, 3, nil], 3, "split.no is 2 and its split.count is missing, not 2 and 3"),
        ]
        for (numbers, counts, shard, words) in cases {
            var draft = Draft()
            (draft.numbers, draft.counts) = (numbers, counts)
            let refusal = try #require(try draft.refusal())
            let start = "\(draft.names[shard - 1]) is not shard \(shard) of 3 of the model: its "
            #expect(refusal.hasPrefix(start + words))
        }
    }

    @Test("Shards with missing, extra or repeated tensors are refused")
    func tensors() throws {
        let count = Int32(Draft.tensors.count)
        var draft = Draft()
        for stated in [count - 1, count + 1, 0] {
            draft.tensorCount = stated
            let expected = "has \(count) tensors in its 3 shards, but split.tensors.count is \(stated)"
            #expect(try draft.refusal()?.contains(expected) == true)
        }
        draft.tensorCount = count
        draft.repeated = [2: 1]
        let name = Draft.tensors[1].name
        let expected = "tiny-00001-of-00003.gguf has the tensor \(name) twice, in shards 1 and 3 of 3; "
        #expect(try draft.refusal()?.hasPrefix(expected) == true)
    }

    @Test("Impossible shard numbers are refused, and the error names the key")
    func numbers() throws {
        var draft = Draft()
        draft.numbers[0] = nil
        #expect(try draft.refusal()?.contains("lacks the metadata key split.no") == true)
        draft.numbers[0] = 3
        let expected = "value 3 for the metadata key split.no, but a number from 0 to 2"
        #expect(try draft.refusal()?.contains(expected) == true)
        var writer = Draft.model.header()
        writer.add("split.count", .uint64(.max - 1))
        #expect(throws: GGUFError.self) { try GGUFFile(bytes: writer.serialised(), name: "m.gguf") }
        writer = Draft.model.header()
        writer.add("split.count", .uint32(100_000))
        let error = #expect(throws: GGUFError.self) { try GGUFFile(bytes: writer.serialised(), name: "m.gguf") }
        #expect(error?.description.contains("100000 for the metadata key split.count") == true)
    }

    @Test("The error names a damaged shard, and a file that says it is shard 1 of 1 opens as a whole model")
    func damaged() throws {
        try Draft().with { folder in
            let third = folder.appending(path: Draft().names[2])
            let bytes = try Data(contentsOf: third)
            try bytes.prefix(bytes.count / 2).write(to: third)
            let error = #expect(throws: GGUFError.self) {
                try GGUFFile(path: folder.appending(path: Draft().names[0]).path)
            }
            #expect(error?.path == third.path && error?.description.contains("beyond the file's") == true)
        }
        for count: UInt16 in [0, 1] {
            var writer = Draft.model.header()
            writer.add("split.no", .uint16(0))
            writer.add("split.count", .uint16(count))
            for tensor in Draft.tensors { writer.add(tensor) }
            let file = try GGUFFile(bytes: writer.serialised(), name: "one.gguf")
            #expect(file.files.count == 1 && file.tensors.count == Draft.tensors.count)
        }
    }
}
