import Foundation
import PacelineModel
import PacelineTestKit
import Testing

/// Models in several files, as llama.cpp's gguf-split writes them.
@Suite("Split models")
struct SplitModelTests {
    /// A folder of its own with the shards of a model, each of which can be changed before it is written.
    private struct Draft {
        static let model: TinyModel = {
            var model = TinyModel()
            model.embeddingLength = 64
            model.feedForwardLength = 96
            return model
        }()
        static let tensors = model.tensors()

        /// Where in the list of tensors each shard begins; the first may have none.
        var starts = [0, 5, 12]
        /// What the metadata of each shard says, from 0.
        var numbers: [UInt16?] = [0, 1, 2]
        var counts: [UInt16?] = [3, 3, 3]
        var tensorCount: Int32?
        var names = [1, 2, 3].map { "tiny-0000\($0)-of-00003.gguf" }
        var absent: Set<Int> = []
        /// Tensors of the whole that a shard has besides its own.
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

        /// What opening a shard is refused for, the folder's name left out.
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

    @Test("A model in shards is the whole one", arguments: [[0, 5, 12], [0, 0, 1], [0, 1, 20]])
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

    @Test("A shard that is missing is named with its number, whichever it is")
    func missing() throws {
        for shard in [1, 2] {
            var draft = Draft()
            draft.absent = [shard]
            let expected = """
                tiny-00001-of-00003.gguf lacks shard \(shard + 1) of 3: tiny-0000\(shard + 1)-of-00003.gguf cannot be \
                read (No such file or directory); put all shards into one folder
                """
            #expect(try draft.refusal() == expected)
        }
    }

    @Test("A shard that is not the first is refused, and the first is named")
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
        "A first shard by whose name the others cannot be found is refused",
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
            \(name) is shard 1 of 3 of a split model, but the others cannot be found, since its name does not end in \
            -00001-of-00003.gguf; give the shards their names back
            """
        #expect(try draft.refusal() == expected)
    }

    @Test("A shard of another split is refused by its place and by what it says")
    func foreign() throws {
        let cases: [(numbers: [UInt16?], counts: [UInt16?], shard: Int, words: String)] = [
            ([0, 2, 2], [3, 3, 3], 2, "split.no 2 and split.count 3, not 1 and 3"),
            ([0, 1, 1], [3, 3, 3], 3, "split.no 1 and split.count 3, not 2 and 3"),
            ([0, 1, 2], [3, 4, 3], 2, "split.no 1 and split.count 4, not 1 and 3"),
            ([0, nil, 2], [3, 3, 3], 2, "split.no nowhere and split.count 3, not 1 and 3"),
            ([0, 1, 2], [3, 3, nil], 3, "split.no 2 and split.count nowhere, not 2 and 3"),
        ]
        for (numbers, counts, shard, words) in cases {
            var draft = Draft()
            (draft.numbers, draft.counts) = (numbers, counts)
            let refusal = try #require(try draft.refusal())
            let start = "\(draft.names[shard - 1]) is not shard \(shard) of 3 of the model: it says "
            #expect(refusal.hasPrefix(start + words))
        }
    }

    @Test("Tensors that are too few, too many or there twice show shards that do not belong together")
    func tensors() throws {
        let count = Int32(Draft.tensors.count)
        var draft = Draft()
        for stated in [count - 1, count + 1, 0] {
            draft.tensorCount = stated
            let expected = "has \(count) tensors in its 3 shards, but split.tensors.count says \(stated)"
            #expect(try draft.refusal()?.contains(expected) == true)
        }
        draft.tensorCount = count
        draft.repeated = [2: 1]
        let name = Draft.tensors[1].name
        let expected = "tiny-00001-of-00003.gguf has the tensor \(name) twice, in shards 1 and 3 of 3; "
        #expect(try draft.refusal()?.hasPrefix(expected) == true)
    }

    @Test("Numbers of shards that cannot be are refused by key")
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

    @Test("A damaged shard is named, and a whole model that says it is one of one is a whole model")
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
