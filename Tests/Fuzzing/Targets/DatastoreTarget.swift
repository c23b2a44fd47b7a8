import PacelineSpeculation

/// Files of datastores. The first byte tells whether the rest is a file, or what a file's checksum is over, which then
/// is right.
struct DatastoreTarget: FuzzTarget {
    init() {}

    mutating func execute(_ input: [UInt8]) throws -> Bool {
        guard let head = input.first else { return false }
        let rest = Array(input.dropFirst())
        let file = head % 2 == 0 ? rest : Self.sealed(rest)
        do {
            let store = try file.withUnsafeBytes { bytes throws(DatastoreError) in try Datastore(encoded: bytes) }
            try Self.draft(from: store)
            // A name that is no UTF-8 is read as one that is.
            let again = store.encoded
            let same = try again.withUnsafeBytes { bytes throws(DatastoreError) in try Datastore(encoded: bytes) }
            guard same == store else { throw FuzzFinding("another datastore after it was written and read") }
            return true
        } catch let error as DatastoreError {
            guard !"\(error)".contains("\n") else { throw FuzzFinding("more than one line: \(error)") }
            return false
        }
    }

    /// Looks up what the corpus has, and what it has not.
    private static func draft(from store: Datastore) throws {
        var drafter = DatastoreDrafter(store, longest: 4, shortest: 1)
        for base in [Array(store.tokens.prefix(3)), Array(store.tokens.suffix(3)), [1, 2, 3]] {
            drafter.begin(base: base, sampling: SamplingParameters())
            for candidate in drafter.expand(TokenTree(), at: [nil], width: 4).joined() {
                guard Int(candidate.token) < store.vocabulary.count else {
                    throw FuzzFinding("token \(candidate.token) of \(store.vocabulary.count) is proposed")
                }
            }
        }
    }

    private static let magic = Array("PLDATA01".utf8)

    private static func sealed(_ body: [UInt8]) -> [UInt8] {
        let checksum = FNV1a(body).value
        return magic + (0..<8).map { UInt8(truncatingIfNeeded: checksum >> (8 * UInt64($0))) } + body
    }

    func seeds() throws -> [FuzzSeed] {
        let hash = [UInt8](repeating: 7, count: 32)
        let vocabulary = Datastore.Vocabulary(tokenizerHash: hash, tokensHash: hash, size: 8, count: 6, model: "tiny")
        let stores = [[], [[1, 2, 3]], [[1, 2, 1, 2, 3], [4, 5], []]].map { Datastore($0, vocabulary: vocabulary) }
        return stores.enumerated().flatMap { place, store in
            [
                FuzzSeed("file-\(place)", [0] + store.encoded),
                FuzzSeed("body-\(place)", [1] + store.encoded.dropFirst(Self.magic.count + 8)),
            ]
        }
    }
}
