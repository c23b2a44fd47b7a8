import Foundation
import PacelineModel
import PacelineTestKit
import PacelineTraining
import Testing

extension ClusterSuite {
    /// `train` as users see it.
    @Suite("Trainings", .timeLimit(.minutes(4)))
    struct TrainTests {
        private struct Report: Decodable {
            struct Point: Decodable, Equatable {
                var step: Int
                var tokens: Int
                var loss: Double
                var mean_acceptance_length: Double
            }

            struct Acceptance: Decodable {
                var mean_acceptance_length: Double
                var rounds: Int
            }

            var steps: Int
            var texts: Int
            var draft_vocab_size: Int
            var draft_vocab_coverage: Double
            var curve: [Point]
            var chain: Acceptance
            var tree: Acceptance
            var finished: Bool
        }

        /// What the tiny model says to two dozen prompts.
        private static func capture() async throws -> String {
            let lines = (0..<24).map { "{\"turns\": [\"row \($0) boats to the tale\"]}\n" }.joined()
            let prompts = try TestFiles.file(Array(lines.utf8), name: "prompts.jsonl")
            let path = try TestFiles.directory(named: "train").appending(path: "tiny.capture").path
            let result = try await CommandResult.of([
                "capture", "-m", TestModels.tiny, "--prompts", prompts, "-o", path, "-n", "40", "-t", "1", "--json",
            ])
            #expect(result.status == 0, "\(result.errors)")
            return path
        }

        private static func line(
            _ data: String,
            _ output: String,
            _ kind: HeadFile.Kind = .eagle,
            _ more: String...
        ) -> [String] {
            [
                "train", "\(kind)", "-m", TestModels.tiny, "--data", data, "-o", output, "--draft-vocab", "64",
                "--batch-tokens", "256", "--json",
            ] + (kind == .eagle ? ["--hidden", "64"] : ["--heads", "3", "--blocks", "2"]) + more
        }

        private static func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }

        @Test(
            "a head comes out whose file fits the target, the same with one thread and with two",
            arguments: TinyHead.kinds
        )
        func training(kind: HeadFile.Kind) async throws {
            let data = try await Self.capture()
            var heads: [Data] = []
            for threads in ["1", "2"] {
                let output = data + ".\(threads).gguf"
                let report = try await CommandResult.json(
                    Report.self,
                    of: Self.line(data, output, kind, "--epochs", "2", "-t", threads)
                )
                #expect(report.finished && report.steps >= 2 && report.curve.last?.step == report.steps)
                #expect(report.draft_vocab_size == 64 && report.draft_vocab_coverage > 0)
                #expect(report.chain.mean_acceptance_length >= 1 && report.chain.mean_acceptance_length <= 5)
                #expect(report.tree.mean_acceptance_length >= 1 && report.tree.rounds > 0)
                let head = try HeadFile(path: output)
                try head.check(for: HeadTarget(ModelFile(path: TestModels.tiny), name: "tiny"), path: output)
                #expect(head.vocabulary.count == 64 && head.network.kind == kind)
                if case .medusa(let shape) = head.network { #expect(shape.heads == 3 && shape.blocks == 2) }
                heads.append(try Self.bytes(output))
            }
            #expect(heads[0] == heads[1])
        }

        @Test("a training that has ended is not begun again with --resume, and other options are refused")
        func resuming() async throws {
            let data = try await Self.capture()
            let output = data + ".gguf"
            let first = try await CommandResult.json(Report.self, of: Self.line(data, output, .eagle, "--epochs", "1"))
            let second = try await CommandResult.json(
                Report.self,
                of: Self.line(data, output, .eagle, "--epochs", "1", "--resume")
            )
            #expect(first.curve == second.curve)
            let other = try await CommandResult.of(
                Self.line(data, output, .eagle, "--epochs", "1", "--seed", "3", "--resume")
            )
            #expect(other.status != 0)
            #expect(other.errors.contains("--resume is impossible: the training was begun with --seed 0 instead of 3"))
        }

        @Test("a training of one kind is not gone on with as another")
        func resumingOtherKind() async throws {
            let data = try await Self.capture()
            let output = data + ".heads.gguf"
            let first = try await CommandResult.of(Self.line(data, output, .medusa, "--epochs", "1"))
            #expect(first.status == 0, "\(first.errors)")
            let same = try await CommandResult.of(Self.line(data, output, .medusa, "--epochs", "1", "--resume"))
            #expect(same.status == 0, "\(same.errors)")
            let other = try await CommandResult.of(Self.line(data, output, .hydra, "--epochs", "1", "--resume"))
            #expect(other.status != 0)
            // Their learning rates differ too, but the kind comes first.
            #expect(
                other.errors.contains("the training was begun with kind medusa instead of hydra"),
                "\(other.errors)"
            )
        }

        @Test("data that is no capture, or that of another model, is refused")
        func otherData() async throws {
            let output = try TestFiles.directory(named: "train").appending(path: "x.gguf").path
            let model = try await CommandResult.of(Self.line(TestModels.tiny, output))
            #expect(model.status != 0 && model.errors.contains("cannot be trained on: this is not a capture"))
            let data = try await Self.capture()
            var line = Self.line(data, output)
            line[3] = TestModels.smollm2
            let other = try await CommandResult.of(line)
            #expect(other.status != 0 && other.errors.contains("was captured from"))
            #expect(!FileManager.default.fileExists(atPath: output))
        }
    }
}
