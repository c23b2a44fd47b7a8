import PacelineModel
import PacelineServer
import PacelineSpeculation

/// The mock language as clients of HTTP see it: what each token's text is, and the models that gateways are told of.
///
/// Some tokens are parts of characters, so that text lags behind tokens. Others look like parts of an answer's JSON.
enum MockVocabulary {
    /// How many generations of the model there are; ``MockText/seed(_:dialect:)`` tells their texts apart.
    static let dialects = 2

    /// Bytes that need others to be a character: parts of é, which has two, and of a letter of Cham, which has three.
    private static let fragments: [[UInt8]] = [
        [0xc3], [0xa9], [0xea], [0xa9, 0xa1], [0xc3, 0xa9, 0xc3], [0xa9, 0xea], [0xaf], [0xea, 0xaf],
    ]
    private static let snares = [
        #"""#, #"\"#, #"],"token_ids":["#, "data:", #"{"index":"#, #","finish_reason":""#, "[DONE]", #""choices":["#,
    ]

    /// What messages are spelled with: a token for each, which no text of the target has.
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let firstLetter = Int(MockText.alphabet)
    /// Shows what the messages say, and nothing else.
    private static let template = "{% for message in messages %}{{ message.content }}{% endfor %}"

    /// The token of a letter; another one for each token of a text.
    static func letter(_ token: Token) -> Token {
        Token(firstLetter + Int(token) % letters.count)
    }

    /// A prompt of letters as it is written.
    static func text(_ prompt: [Token]) -> String {
        String(decoding: prompt.map { letters[(Int($0) - firstLetter) % letters.count] }, as: UTF8.self)
    }

    /// The bytes of a token, all of which byte-level vocabularies spell by the character of the same number.
    private static func bytes(of token: Int) -> [UInt8] {
        if token < fragments.count { return fragments[token] }
        if letters.indices.contains(token - firstLetter) { return [letters[token - firstLetter]] }
        let place = token - fragments.count
        return Array((place < snares.count ? snares[place] : "t\(token).").utf8)
    }

    /// The models by their dialect.
    static let models: Result<[ServedModel], any Error> = Result {
        let file = try GGUFFile(bytes: fileBytes, name: "mock.gguf")
        return try (0..<dialects).map { dialect in
            try ServedModel(
                name: "mock",
                vocabulary: file,
                fingerprint: "fp_mock\(dialect)",
                contextLength: 1 << 16,
                slots: 1
            )
        }
    }

    /// A model file without weights: a byte-level vocabulary that merges nothing.
    private static var fileBytes: [UInt8] {
        let tokens = (0..<MockText.vocabularySize).map { token in
            String(String.UnicodeScalarView(bytes(of: token).map { Unicode.Scalar($0) }))
        }
        var writer = MetadataWriter()
        writer.add("tokenizer.ggml.model", "gpt2")
        writer.add("tokenizer.ggml.pre", "gpt-2")
        writer.add("tokenizer.ggml.tokens", tokens)
        writer.add("tokenizer.ggml.merges", [])
        writer.add("tokenizer.chat_template", template)
        return writer.file
    }
}

/// Writes a GGUF file (version 3) that has metadata alone.
private struct MetadataWriter {
    private var bytes: [UInt8] = []
    private var entries: UInt64 = 0

    mutating func add(_ key: String, _ text: String) {
        begin(key, type: 8)
        append(text)
    }

    mutating func add(_ key: String, _ texts: [String]) {
        begin(key, type: 9)
        append(UInt32(8))
        append(UInt64(texts.count))
        for text in texts { append(text) }
    }

    var file: [UInt8] {
        var file = MetadataWriter()
        file.bytes = Array("GGUF".utf8)
        file.append(UInt32(3))
        file.append(UInt64(0))
        file.append(entries)
        return file.bytes + bytes
    }

    private mutating func begin(_ key: String, type: UInt32) {
        entries += 1
        append(key)
        append(type)
    }

    private mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        bytes += text.utf8
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
    }
}
