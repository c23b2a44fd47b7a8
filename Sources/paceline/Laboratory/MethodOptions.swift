import ArgumentParser
import PacelineCluster

/// Which methods of drafting are compared.
struct MethodOptions: ParsableArguments {
    static let usual = [
        "ngram", "suffix", "trie", "recycling", "ngram+suffix", "ngram+suffix+trie+recycling+phrases",
    ]

    @Option(
        name: [.customLong("md", withSingleDash: true), .customLong("model-draft")],
        parsing: .singleValue,
        help: ArgumentHelp(
            """
            A method: a drafter, named as for generate (a model, ngram, suffix, trie, recycling, phrases, \
            datastore:FILE), or several of them with + between, which draft together. May be repeated: each is a \
            method of its own (default: \(usual.joined(separator: ", "))). A drafter takes settings after a colon, as \
            in suffix:max=8+ngram.
            """,
            valueName: "name[+name…]"
        )
    )
    var names: [String] = []

    @OptionGroup var draftVocabulary: DraftVocabularyOption

    func validate() throws {
        guard names.count <= 64 else { throw ValidationError("-md may name at most 64 methods, not \(names.count)") }
        for (index, name) in names.enumerated() where names[..<index].contains(name) {
            throw ValidationError("-md names \(name) twice; name each method once")
        }
        for name in names where name == "plain" {
            throw ValidationError("plain decoding is always measured where the target runs; leave -md \(name) out")
        }
    }

    /// - Throws: `ValidationError`, or what ``DrafterName`` throws.
    func methods() throws -> [Laboratory.Method] {
        try (names.isEmpty ? Self.usual : names).map { name in
            let drafters = try DrafterName.group(name)
            try drafters.requireNoHead()
            return Laboratory.Method(name: name, drafters: drafters)
        }
    }
}
