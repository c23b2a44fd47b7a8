import PacelineCluster
import PacelineModel
import PacelineSpeculation
import PacelineTestKit
import Testing

@testable import paceline

@Suite("Heads as drafters")
struct HeadDrafterTests {
    private let model: ModelFile
    private let head: String

    init() throws {
        model = try ModelFile(path: TestModels.tiny)
        head = try TinyHead.eagle(for: model)
    }

    private func name(_ text: String) throws -> DrafterName {
        try DrafterName(text, catalog: ModelCatalog(directory: ""))
    }

    private func message(_ body: () throws -> Void) throws -> String {
        let error = #expect(throws: (any Error).self) { try body() }
        return "\(try #require(error))"
    }

    // MARK: Names

    @Test("are named by their file, behind which their target may stand, alone and between plus signs")
    func names() throws {
        #expect(try name("head:a/b.gguf") == .head(path: "a/b.gguf", target: nil))
        let targeted = DrafterName.head(path: "a/b.gguf", target: "c/d.gguf")
        #expect(try name("head:a/b.gguf:target=c/d.gguf") == targeted)
        #expect("\(targeted)" == "head:b.gguf")
        #expect(targeted.vocabularyPath == "c/d.gguf")
        #expect(
            try DrafterName.group("ngram+head:a/b.gguf:target=c/d.gguf+grammar").dropFirst() == [targeted, .grammar]
        )
        let plus = try TinyHead.eagle(for: model, name: "one+two")
        #expect(try DrafterName.group("head:\(plus)+ngram").first == .head(path: plus, target: nil))
    }

    @Test("have a file, and a target that exists", arguments: ["head:", "head::target=x.gguf", "head:x.gguf:target=y"])
    func incomplete(text: String) throws {
        let sentence = try message { _ = try name(text) }
        #expect(sentence.contains(text.hasSuffix("=y") ? "no model \"y\"" : "lacks a file"), "\(sentence)")
    }

    // MARK: Workers

    @Test("a worker asks for the features that its heads read, and introduces itself with their target's tokens")
    func configuration() throws {
        let last = try TinyHead.eagle(for: model, taps: [.lastOutput], name: "last")
        let names = [head, last, head].map { DrafterName.head(path: $0, target: TestModels.tiny) }
        let worker = try WorkerConfiguration(hosting: names, slots: 2)
        #expect(worker.features == FeatureDemand(taps: [.normedOutput, .lastOutput]))
        #expect(worker.usesConstraints && worker.drafter == "head:head.gguf")
        let target = DrafterName.model(path: TestModels.tiny)
        #expect(try WorkerConfiguration(hosting: names + [target], slots: 2).fingerprint == worker.fingerprint)
        let stranger = DrafterName.model(path: TestModels.tinyStranger)
        #expect(throws: DrafterVocabularyError.self) {
            try WorkerConfiguration(hosting: names + [stranger], slots: 2)
        }
        for readsTokens in [false, true] {
            let heads = try TinyHead.medusa(for: model, readsTokens: readsTokens)
            let other = try WorkerConfiguration(hosting: [.head(path: heads, target: TestModels.tiny)], slots: 2)
            #expect(other.features == FeatureDemand(taps: [.normedOutput]) && other.usesConstraints)
        }
        let own = try WorkerConfiguration(hosting: [.head(path: head, target: nil)], for: model, slots: 2)
        #expect(own.features == FeatureDemand(taps: [.normedOutput]) && own.fingerprint == worker.fingerprint)
        #expect(try WorkerConfiguration(hosting: [name("ngram")], slots: 2).features == nil)
    }

    @Test("a worker whose head cannot draft says why and what to do, in one sentence")
    func refusals() throws {
        let tiny = TestModels.tiny
        let bytes = try TestFiles.file(Array("no head".utf8), name: "text.gguf")
        let other = try TinyHead.eagle(for: ModelFile(path: TestModels.tinyStranger), name: "other")
        let cases: [(DrafterName, String)] = [
            (.head(path: head, target: nil), "-md head:\(head):target=MODEL"),
            (.head(path: "nowhere.gguf", target: tiny), "nowhere.gguf cannot be read"),
            (.head(path: bytes, target: tiny), "is neither GGUF nor safetensors"),
            (.head(path: tiny, target: tiny), "is not a draft head (its architecture is \"llama\")"),
            (.head(path: other, target: tiny), "but that of the target is"),
        ]
        for (name, words) in cases {
            let sentence = try message { _ = try WorkerConfiguration(hosting: [name], slots: 1) }
            #expect(sentence.contains(words) && !sentence.contains("\n"), "\(sentence)")
            #expect(throws: (any Error).self) { try roster([name]) }
        }
        // At a verifier it is the verifier's model that has the features.
        let named = DrafterName.head(path: other, target: TestModels.tinyStranger)
        let sentence = try message { _ = try WorkerConfiguration(hosting: [named], for: model, slots: 1) }
        #expect(sentence.contains("but that of the target is"))
    }

    @Test("a worker asks for no more features than a verifier gives")
    func tooManyFeatures() throws {
        var deep = TinyModel()
        (deep.blockCount, deep.embeddingLength, deep.feedForwardLength) = (9, 64, 64)
        let path = TestModels.written(deep, "deep")
        let file = try ModelFile(path: path)
        let names = try (0..<9).map { layer in
            DrafterName.head(
                path: try TinyHead.eagle(for: file, taps: [.input(layer: layer)], name: "layer\(layer)"),
                target: path
            )
        }
        #expect(try WorkerConfiguration(hosting: Array(names.dropLast()), slots: 1).features?.taps.count == 8)
        #expect(throws: DrafterNameError.headFeatures(9)) { try WorkerConfiguration(hosting: names, slots: 1) }
    }

    @Test("where no features are, a head is refused with the command that has them")
    func elsewhere() throws {
        #expect(throws: DrafterNameError.headElsewhere(path: "x.gguf")) {
            try [DrafterName.grammar, .head(path: "x.gguf", target: nil)].requireNoHead()
        }
        #expect("\(DrafterNameError.headElsewhere(path: "x.gguf"))".hasSuffix("paceline verifier -md head:x.gguf"))
    }

    // MARK: Drafters

    private func roster(_ names: [DrafterName], target: ModelFile? = nil, _ progress: ComputeProgress = .init()) throws
        -> DrafterRoster
    {
        try DrafterRoster(names, target: target, threads: 1, sequences: 1, seed: 1, progress: progress)
    }

    @Test(
        "draft once they have the target's features, in a worker and in a verifier's process",
        arguments: TinyHead.kinds,
        [true, false]
    )
    func drafting(kind: HeadFile.Kind, isWorker: Bool) throws {
        let progress = ComputeProgress()
        let head = try TinyHead.file(kind, for: model)
        let name = DrafterName.head(path: head, target: isWorker ? TestModels.tiny : nil)
        let ngram = try self.name("ngram")
        let whole = try roster([name, ngram], target: isWorker ? nil : model, progress)
        let features = features(3)
        var proposals: [[Candidate]] = []
        for source in [whole, try whole.fresh([name])] {
            var drafter = try #require(try source.makeDrafters().last)
            #expect(!drafter.isModelFree)
            try drafter.begin(base: [10, 40, 20, 30], sampling: .greedy, constraint: nil)
            #expect(!drafter.isReady)
            drafter.take(features)
            #expect(drafter.isReady)
            proposals += try drafter.expand(TokenTree(), at: [nil], width: 3)
        }
        #expect(proposals.count == 2 && proposals[0].count == 3)
        #expect(proposals[0] == proposals[1], "drafters of a roster share the head")
        #expect(proposals[0].allSatisfy { TinyHead.tokens.contains(Int($0.token)) })
        // Medusa's and Hydra's heads read no long texts.
        #expect(progress.stamp > 0 || kind != .eagle)
    }

    @Test("grammar drafts beside a head, whose target has the tokens")
    func grammar() throws {
        let name = DrafterName.head(path: head, target: TestModels.tiny)
        #expect(try roster([.grammar, name]).makeDrafters().count == 2)
        #expect(try roster([.grammar, .head(path: head, target: nil)], target: model).makeDrafters().count == 2)
    }

    private func features(_ rows: Int) -> FeatureBlock {
        let width = model.configuration.embeddingLength
        var numbers = SplitMix(seed: 9)
        var block = FeatureBlock(position: 0, taps: [.normedOutput], width: width)
        for _ in 0..<rows { block.append(row: (0..<width).map { _ in numbers.unit() }) }
        return block
    }
}
