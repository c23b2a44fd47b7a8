import ArgumentParser
import Foundation
import PacelineCluster
import PacelineModel
import PacelineSpeculation

/// What drafts.
struct DrafterOptions: ParsableArguments {
    @Option(
        name: [.customLong("md", withSingleDash: true), .customLong("model-draft")],
        parsing: .singleValue,
        help: ArgumentHelp(
            """
            A drafter: a model (GGUF file or short name) with the target's vocabulary, a model with another one that \
            is to propose the target's tokens (smollm2-135m:tokenizer=qwen2.5-coder-1.5b), a head of paceline train \
            that reads what the target computes (head:FILE at a verifier, head:FILE:target=MODEL at a worker, none in \
            generate), or without a model one of \
            ngram (prompt lookup), suffix (prompt and past outputs), trie (passages of past outputs), recycling (what \
            last followed each token), phrases (drafted and unused text of a model beside it), datastore:FILE (a \
            corpus; see paceline datastore) and grammar (what a request's schema or grammar forces; at the verifier or \
            beside a model), or for fault tests random or liar. May be repeated, or name several with + between: \
            drafters together are mostly as good as the best of them or better. Settings follow a colon: \
            ngram:max=4,min=2, suffix:memory=64MiB, trie:max=4,length=12, recycling:width=8, phrases:length=6, \
            datastore:FILE,max=16.
            """,
            valueName: "name[:key=value,…][+name…]"
        )
    )
    var drafters: [String] = []

    @OptionGroup var draftVocabulary: DraftVocabularyOption

    func validate() throws {
        guard drafters.count <= 16 else {
            throw ValidationError("-md may name at most 16 drafters, not \(drafters.count)")
        }
    }

    var vocabulary: Int? { draftVocabulary.count }

    /// The arguments that pass ``vocabulary`` on to a worker.
    var vocabularyArguments: [String] { draftVocabulary.arguments }

    /// The drafters by name; throws if a model does not exist or a setting makes no sense.
    func names(or fallback: [String] = []) throws -> [DrafterName] {
        try (drafters.isEmpty ? fallback : drafters).flatMap { try DrafterName.group($0) }
    }
}

extension DrafterName {
    /// The drafters of a name that may be several with + between, which draft together.
    ///
    /// - Throws: `ValidationError`, or what ``DrafterName`` throws.
    static func group(_ name: String) throws -> [DrafterName] {
        let words = words(of: name)
        guard words.count <= 16 else {
            throw ValidationError("at most 16 drafters draft together, and -md \(name) names \(words.count)")
        }
        return try words.map { word in
            guard !word.isEmpty else {
                throw ValidationError("-md \(name) lacks a drafter beside a +; write one on both sides")
            }
            return try DrafterName(word, catalog: .fromEnvironment())
        }
    }

    /// The words of a name between its plus signs, but for those within the name of a file that exists.
    private static func words(of name: String) -> [String] {
        let parts = name.split(separator: "+", omittingEmptySubsequences: false)
        var words: [String] = []
        var first = 0
        while first < parts.count {
            let ends = (first..<min(parts.count, first + 16)).map { last in
                (word: parts[first...last].joined(separator: "+"), next: last + 1)
            }
            // The shortest one with as much as possible in names of files.
            let signs = ends.map { signsInFiles($0.word) }
            let end = ends[signs.firstIndex(of: signs.max() ?? 0) ?? 0]
            words.append(end.word)
            first = end.next
        }
        return words
    }

    /// The plus signs that are in names of files. A name stands alone, or between the signs of settings.
    private static func signsInFiles(_ word: String) -> Int {
        word.split(whereSeparator: ":,=".contains)
            .filter { $0.contains("+") && FileManager.default.fileExists(atPath: String($0)) }
            .reduce(0) { $0 + $1.count { $0 == "+" } }
    }
}

/// How much of their vocabulary model drafters score.
struct DraftVocabularyOption: ParsableArguments {
    @Option(
        name: .customLong("draft-vocab"),
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            How many token ids, from 0 up, model drafters score besides the special tokens (default: all). Fewer are \
            faster, but other tokens are never drafted. With Qwen2.5's 152,000 tokens, 32768 makes a drafted token \
            30 % cheaper and the accepted length 12 % shorter, which pays where drafting is the bottleneck.
            """,
            valueName: "count"
        )
    )
    var count: Int?

    var arguments: [String] { count.map { ["--draft-vocab", "\($0)"] } ?? [] }

    func validate() throws {
        if let count, count < 1 {
            throw ValidationError(
                "--draft-vocab must be at least 1, not \(count); leave it out to score all tokens"
            )
        }
    }
}

extension [DrafterName] {
    /// Throws for a head where nobody tells drafters of the target's features.
    func requireNoHead() throws(DrafterNameError) {
        for case .head(let path, _) in self { throw .headElsewhere(path: path) }
    }

    /// Throws for a datastore whose token ids do not mean what they mean to the target.
    func requireDatastores(for target: Tokenizer) throws {
        for case .lookUp(let settings) in Set(self) where settings.kind == .datastore {
            let vocabulary = try Datastore(path: settings.path).vocabulary
            guard vocabulary.tokensHash == target.vocabularyFingerprint.bytes, vocabulary.count == target.tokenCount
            else { throw DatastoreVocabularyError(path: settings.path, model: vocabulary.model) }
        }
    }
}

/// A datastore of another vocabulary than the target's.
struct DatastoreVocabularyError: Error, CustomStringConvertible {
    let path: String
    let model: String

    var description: String {
        "\(path) holds tokens of \(model), which the target does not share; build it again with the target's model"
    }
}
