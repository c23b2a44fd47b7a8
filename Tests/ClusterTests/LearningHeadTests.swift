import ArgumentParser
import Foundation
import Logging
import PacelineCluster
import PacelineModel
import PacelineSpeculation
import PacelineTensor
import PacelineTestKit
import PacelineTraining
import Synchronization
import Testing

@testable import paceline

@Suite("Heads that go on learning")
struct LearningHeadTests {
    // MARK: Options

    private func parse(_ words: String...) throws -> LearningOptions { try LearningOptions.parse(words) }

    private func message(_ words: [String], _ drafters: [DrafterName]) throws -> String {
        let error = #expect(throws: (any Error).self) {
            _ = try LearningOptions.parse(words).learning(among: drafters, logger: Logger(label: "test"))
        }
        return LearningOptions.message(for: try #require(error))
    }

    @Test("--learn needs exactly one head among the drafters, and says so in one sentence")
    func refusals() throws {
        let (one, other) = (DrafterName.head(path: "a", target: nil), DrafterName.head(path: "b", target: nil))
        for drafters in [[], [.grammar], [one, other], [one, .random, one]] as [[DrafterName]] {
            let sentence = try message(["--learn"], drafters)
            #expect(sentence.contains("--learn needs exactly one head") && !sentence.contains("\n"), "\(sentence)")
        }
        let sentence = try message(["--learn", "--learned-head", "/nowhere/head.gguf"], [one])
        #expect(sentence.contains("/nowhere/head.gguf") && !sentence.contains("\n"), "\(sentence)")
        #expect(try message(["--learned-head", "x"], [one]).contains("needs --learn"))
        for share in ["0", "1.1", "nan", "-1"] {
            #expect(throws: (any Error).self) { try parse("--learn", "--learn-share", share) }
        }
    }

    @Test("nothing learns unless it is asked for, and asking leaves no file behind")
    func accepted() throws {
        let (head, logger) = (DrafterName.head(path: "a", target: nil), Logger(label: "test"))
        #expect(try parse().learning(among: [head], logger: logger) == nil)
        let path = try TestFiles.directory(named: "learned").appending(path: "head.gguf").path
        let learning = try parse("--learn", "--learn-share", "0.25", "--learned-head", path)
            .learning(among: [.grammar, head], logger: logger)
        #expect(learning?.share == 0.25 && learning?.save != nil)
        #expect(throws: (any Error).self) { try ModelFile(path: path) }
        #expect(try OutputFile.contentsIfPresent(path, "the head") == nil)
    }

    @Test("a head that cannot be trained is refused in one sentence")
    func untrainable() {
        let sentence = "\(HeadStudyError.untrainable(.eagle3))"
        #expect(sentence.contains("leave --learn out") && !sentence.contains("\n"))
    }

    // MARK: Learning

    /// What a test learns of better heads.
    private final class Shelf: Sendable {
        private let heads = Mutex<[HeadFile]>([])

        func put(_ head: HeadFile) { heads.withLock { $0.append(head) } }

        var count: Int { heads.withLock(\.count) }
        var last: HeadFile? { heads.withLock(\.last) }
    }

    /// Learns from little text at once, and much of it.
    private static func learning(_ shelf: Shelf) -> HeadLearning {
        var learning = HeadLearning(share: 1, logger: Logger(label: "test")) { shelf.put($0) }
        learning.quiet = .milliseconds(30)
        (learning.settings.learningRate, learning.settings.heldOutEvery) = (3e-3, 3)
        (learning.settings.rule.leastRows, learning.settings.rule.leastHeldOutRows) = (100, 60)
        (learning.settings.rule.rowsPerStep, learning.settings.rule.epochs) = (128, 8)
        return learning
    }

    private func verifier(head: String?, _ shelf: Shelf) async throws -> VerifierServer {
        let target = try ModelFile(path: TestModels.tiny)
        var residents: [ResidentDrafters] = []
        if let head {
            let name = DrafterName.head(path: head, target: nil)
            let worker = try WorkerConfiguration(hosting: [name], for: target, slots: 4)
            residents.append(
                ResidentDrafters(worker) { progress in
                    try DrafterRoster(
                        [name],
                        target: target,
                        threads: 1,
                        sequences: 4,
                        seed: 1,
                        learning: Self.learning(shelf),
                        progress: progress
                    )
                }
            )
        }
        var configuration = VerifierConfiguration()
        configuration.restsDrafting = false
        return try await VerifierServer.start(
            configuration,
            listen: Endpoint(host: "127.0.0.1", port: 0),
            residents: residents,
            logger: Logger(label: "verifier")
        ) { _ in
            try LoadedTarget.transformer(
                target,
                threads: 1,
                contextLength: 512,
                cacheType: .f16,
                sequences: 4
            ) { _ in }
        }
    }

    private func text(_ first: Token, of server: VerifierServer) async -> [Token] {
        let request = GenerationRequest(
            prompt: [first, 40, first + 1, 30, 20],
            sampling: .greedy,
            maximumTokens: 60
        )
        var tokens: [Token] = []
        for await event in server.submit(request).events {
            switch event {
            case .tokens(let more): tokens += more.tokens
            case .failed(let fault): Issue.record(fault)
            case .prompt, .finished: break
            }
        }
        return tokens
    }

    @Test("are measured better on what is served, replace themselves between requests, and change no token")
    func served() async throws {
        let shelf = Shelf()
        let file = try TinyHead.everyToken(for: ModelFile(path: TestModels.tiny))
        let (plain, drafted) = (try await verifier(head: nil, shelf), try await verifier(head: file, shelf))
        var texts: [[Token]] = []
        for first in 0..<18 as Range<Token> { texts.append(await text(50 + first, of: plain)) }
        for (first, expected) in texts.enumerated() {
            #expect(await text(50 + Token(first), of: drafted) == expected)
        }
        while shelf.count == 0 { try await Task.sleep(for: .milliseconds(20)) }
        for (first, expected) in texts.enumerated() {
            #expect(await text(50 + Token(first), of: drafted) == expected, "with a head that has learned")
        }
        let (before, after) = (try HeadFile(path: file), try #require(shelf.last))
        #expect(after.network == before.network && after.parameters != before.parameters)
        #expect(try !after.encoded().isEmpty, "it can be kept")
        let worker = try #require(try await drafted.snapshot().workers.first)
        #expect(worker.isConnected)
        try await plain.shutdown()
        try await drafted.shutdown()
    }
}

extension TinyHead {
    /// The path of a file with an EAGLE head that can draft any token.
    fileprivate static func everyToken(for model: ModelFile) throws -> String {
        let shape = EagleHead<Float>.Shape(for: model, hidden: 64)
        var numbers = SplitMix(seed: 6)
        let count = model.configuration.vocabularySize
        let head = HeadFile(
            network: .eagle(shape),
            parameters: (0..<shape.layout.count).map { _ in 0.1 * numbers.unit() },
            vocabulary: try DraftVocabulary(targetTokens: Array(0..<count), targetCount: count),
            target: HeadTarget(model, name: "tiny")
        )
        return try TestFiles.file(head.encoded(), name: "every.gguf")
    }
}
