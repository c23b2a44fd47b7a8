import PacelineSpeculation
import Testing

@Suite("Datastore")
struct DatastoreTests {
    private static func random(_ seed: UInt64) -> Datastore {
        var random = SplitMix(seed: seed)
        let texts = (0..<4).map { _ in (0..<random.next(below: 60)).map { _ in Token(random.next(below: 4)) } }
        return Datastore(texts, vocabulary: .tests)
    }

    @Test("finds what a naive search finds", arguments: 0..<20)
    func lookup(seed: UInt64) {
        let store = Self.random(seed)
        var random = SplitMix(seed: seed + 100)
        for _ in 0..<60 {
            let context = (0..<(1 + random.next(below: 4))).map { _ in Token(random.next(below: 4)) }
            var expected: [Token: Int] = [:]
            for start in store.tokens.indices where start + context.count < store.tokens.count {
                guard store.tokens[start..<(start + context.count)].elementsEqual(context) else { continue }
                let next = store.tokens[start + context.count]
                if next != Datastore.separator { expected[next, default: 0] += 1 }
            }
            let found = store.successors(of: context)
            // The sample is all occurrences here.
            #expect(Dictionary(found.map { ($0.token, $0.count) }) { $1 } == expected)
            #expect(found.map(\.count) == found.map(\.count).sorted(by: >))
        }
    }

    @Test("a file gives the same datastore")
    func roundTrip() throws {
        for seed in 0..<5 as Range<UInt64> {
            let store = Self.random(seed)
            let read = try Self.read(store.encoded)
            #expect(read == store)
            #expect(read.textCount == 4)
        }
    }

    @Test("the name of a model is cut between characters if it is too long")
    func longName() throws {
        var vocabulary = Datastore.Vocabulary.tests
        vocabulary.model = String(repeating: "\u{20AC}", count: 400)
        let read = try Self.read(Datastore([[1, 2]], vocabulary: vocabulary).encoded)
        #expect(read.vocabulary.model == String(repeating: "\u{20AC}", count: 341))
        #expect(try Self.read(read.encoded) == read)
    }

    @Test("every shortened, lengthened or altered file is an error")
    func malformed() {
        let file = Self.random(3).encoded
        for count in file.indices {
            #expect(throws: DatastoreError.self) { try Self.read(Array(file.prefix(count))) }
            var altered = file
            altered[count] ^= 1 << UInt8(count % 8)
            #expect(throws: DatastoreError.self) { try Self.read(altered) }
        }
        #expect(throws: DatastoreError.self) { try Self.read(file + [0]) }
    }

    @Test("a file that contradicts itself under a right checksum is an error")
    func hostile() {
        let file = Self.random(3).encoded
        var random = SplitMix(seed: 1)
        for place in 16..<file.count {
            var altered = file
            altered[place] = UInt8(random.next(below: 256))
            let checksum = FNV1a(altered[16...]).value
            for byte in 0..<8 { altered[8 + byte] = UInt8(truncatingIfNeeded: checksum >> UInt64(8 * byte)) }
            // Reading it must end, with an error or not, and so must looking things up.
            guard let store = try? Self.read(altered) else { continue }
            _ = store.successors(of: [1, 2])
        }
    }

    private static func read(_ bytes: [UInt8]) throws -> Datastore {
        try bytes.withUnsafeBytes { try Datastore(encoded: $0) }
    }
}
