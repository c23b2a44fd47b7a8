import Foundation
import PacelineTestKit
import Testing

extension ClusterSuite {
    /// `inspect` reports the same problems of a file as loading it.
    @Suite("inspect", .timeLimit(.minutes(2)))
    struct InspectTests {
        private struct Report: Decodable {
            struct Shard: Decodable {
                var path: String
                var tensors: Int
            }
            var bytes: Int
            var problem: String?
            var shards: [Shard]?
        }

        /// Files with valid headers that cannot be run, each for one reason.
        private static func broken() throws -> [[UInt8]] {
            var files: [[UInt8]] = []
            var extra = TinyModel()
            for name in ["blk.1.attn_q_norm.weight", "blk.0.attn_output.scale", "nonsense"] {
                extra.extraVectors = [name: 4]
                files.append(extra.serialised())
            }
            for name in ["output_norm.weight", "blk.1.ffn_down.weight"] {
                var writer = TinyModel().header()
                for tensor in TinyModel().tensors() where tensor.name != name { writer.add(tensor) }
                files.append(writer.serialised())
            }
            for name in ["blk.1.ffn_norm.weight", "blk.0.attn_k.weight", "output.weight"] {
                var damaged = TinyModel()
                damaged.weights = .f32
                damaged.spoilt[name] = [70: .infinity]
                files.append(damaged.serialised())
            }
            var capped = TinyModel()
            capped.extraMetadata["attn_logit_softcapping"] = .float32(50)
            files.append(capped.serialised())
            var scaled = TinyModel()
            scaled.extraMetadata["rope.scaling.type"] = .string("dynamic")
            files.append(scaled.serialised())
            var foreign = TinyModel()
            foreign.preTokenizer = "qwen9"
            files.append(foreign.serialised())
            files.append(TinyModel().header().serialised())
            return files
        }

        @Test("A file that cannot be run shows the problem that loading it reports")
        func problems() async throws {
            for bytes in try Self.broken() {
                let path = try TestFiles.file(bytes, name: "broken.gguf")
                let found = try await CommandResult.json(Report.self, of: ["inspect", "--json", path])
                let problem = try #require(found.problem)
                for command in [["score", "-p", "x"], ["generate", "-p", "x"], ["bench", "engine"]] {
                    let result = try await CommandResult.of(command + ["-m", path])
                    #expect(result.status != 0 && result.errors == "paceline: \(problem)\n")
                }
                let text = try await CommandResult.of("inspect", path)
                #expect(text.output.contains("cannot be run here: \(problem)\n"))
            }
        }

        @Test("Padding of the output head may hold anything: it is neither loaded nor checked")
        func padding() async throws {
            var model = TinyModel()
            model.weights = .f32
            model.padding.rows = 3
            let rows = TinyVocabulary.shared.tokens.count
            model.spoilt["output.weight"] = [(rows + 1) * model.embeddingLength: .nan]
            let path = try TestFiles.file(model.serialised(), name: "padded.gguf")
            #expect(try await CommandResult.json(Report.self, of: ["inspect", "--json", path]).problem == nil)
            let score = try await CommandResult.of("score", "-p", "x", "-m", path)
            #expect(score.status == 0, "\(score.errors)")
        }

        @Test("A split model is listed with its shards, and runs")
        func shards() async throws {
            let folder = try TestFiles.directory(named: "split")
            let paths = [1, 2].map { folder.appending(path: "tiny-0000\($0)-of-00002.gguf") }
            let tensors = TinyModel().tensors()
            for (index, part) in [tensors[..<9], tensors[9...]].enumerated() {
                var writer = index == 0 ? TinyModel().header() : GGUFWriter()
                writer.add("split.no", .uint16(UInt16(index)))
                writer.add("split.count", .uint16(2))
                writer.add("split.tensors.count", .int32(Int32(tensors.count)))
                for tensor in part { writer.add(tensor) }
                try Data(writer.serialised()).write(to: paths[index])
            }
            let found = try await CommandResult.json(Report.self, of: ["inspect", "--json", paths[0].path])
            #expect(found.problem == nil)
            #expect(found.shards?.map(\.path) == paths.map(\.path))
            #expect(found.shards?.map(\.tensors) == [9, tensors.count - 9])
            #expect(try found.bytes == paths.reduce(0) { try $0 + Data(contentsOf: $1).count })
            let text = try await CommandResult.of("inspect", paths[0].path)
            #expect(text.output.contains("in 2 shards\ncan be run here\n") && text.output.contains(paths[1].path))
            let score = ["score", "--json", "--tokens", "1,2,3", "-m"]
            let (split, whole) = try await (
                CommandResult.of(score + [paths[0].path]), CommandResult.of(score + [TestModels.tiny])
            )
            #expect(split.status == 0 && split.output == whole.output)
            for command in [["inspect"], ["score", "-p", "x", "-m"]] {
                let second = try await CommandResult.of(command + [paths[1].path])
                #expect(second.status != 0)
                #expect(
                    second.errors.hasSuffix("is shard 2 of 2 of a split model; name the first one, \(paths[0].path)\n")
                )
            }
        }
    }
}
