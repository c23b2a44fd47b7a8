import PacelineSpeculation
import Testing

@testable import PacelineTraining

@Suite("Capture files")
struct CaptureTests {
    private let header = CaptureSamples.header

    @Test("give back what was written")
    func roundTrip() throws {
        let bytes = CaptureSamples.file(numbers: [0, 1, 5])
        let reader = try CaptureReader(CaptureBytes(bytes))
        #expect(reader.header == header)
        #expect(reader.entries.map(\.number) == [0, 1, 5])
        #expect(reader.entries.map(\.tokens) == [5, 5, 5])
        #expect(reader.entries.map(\.answers) == [2, 2, 2])
        #expect(reader.end == bytes.count)
        #expect(reader.nextNumber == 6)
        #expect(try CaptureSamples.read(bytes) == [0, 1, 5].map { CaptureSamples.record(number: $0) })
        #expect(try CaptureReader(CaptureBytes(header.encoded)).nextNumber == 0)
    }

    @Test("give sequences to train on, whose prompts teach nothing")
    func sequence() throws {
        let source = CaptureBytes(CaptureSamples.file(numbers: [3]))
        let reader = try CaptureReader(source)
        let sequence = try reader.sequence(reader.entries[0], from: source)
        #expect(sequence.tokens == [1, 2, 3, 4, 9])
        #expect(sequence.features == Matrix(rows: 5, columns: 6, values: (3..<33).map { Float($0) / 4 }))
        #expect(sequence.top.map(\.count) == [0, 0, 2, 2, 0])
        #expect(sequence.top[2][0] == TopToken(token: 4, logProbability: -0.25))
        #expect(sequence.top[3][1] == TopToken(token: 8, logProbability: -40))
    }

    @Test("have these bytes")
    func golden() {
        let file = header.encoded + CaptureSamples.record(number: 7).encoded(header)
        #expect(file.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == Self.goldenBytes)
    }

    @Test("end at their last whole record, wherever the writing of the next one was interrupted")
    func interrupted() throws {
        let whole = CaptureSamples.file(numbers: [0, 1])
        let next = CaptureSamples.record(number: 2).encoded(header)
        for length in next.indices {
            let reader = try CaptureReader(CaptureBytes(whole + next[..<length]))
            #expect(reader.end == whole.count)
            #expect(reader.nextNumber == 2)
        }
        for length in header.encoded.indices {
            #expect(throws: length < 8 ? CaptureError.notACapture : .cutHeader(bytes: length)) {
                try CaptureReader(CaptureBytes(Array(whole[..<length])))
            }
        }
    }

    @Test("are refused after a change of any bit, with the place of the damage", arguments: 0..<8)
    func flippedBits(bit: Int) throws {
        let whole = CaptureSamples.file(numbers: [0, 1])
        let first = header.encoded.count
        let second = CaptureSamples.file(numbers: [0]).count
        for index in whole.indices {
            var bytes = whole
            bytes[index] ^= 1 << UInt8(bit)
            do {
                _ = try CaptureSamples.read(bytes)
                Issue.record("bit \(bit) of byte \(index) does not matter")
            } catch let error as CaptureError {
                guard case .damaged(let offset, _) = error, index >= first else {
                    #expect(index < first)
                    continue
                }
                #expect(offset == (index < second ? first : second))
                #expect(error.description.contains("truncate -s \(offset)"))
            }
        }
    }

    @Test("never trap, whatever is changed, cut out, doubled or put in", arguments: 0..<40)
    func mutations(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        let whole = CaptureSamples.file(numbers: [0, 1, 2])
        let records = try CaptureSamples.read(whole)
        for _ in 0..<100 {
            var bytes = whole
            for _ in 0...Int(random.next() % 3) { Self.mutate(&bytes, &random) }
            do {
                // What is accepted is what was written: whole records from the first on, or some left out.
                let read = try CaptureSamples.read(bytes)
                #expect(read.allSatisfy(records.contains))
            } catch is CaptureError {
                continue
            }
        }
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        guard !bytes.isEmpty else { return }
        let place = Int(random.next() % UInt64(bytes.count))
        let length = min(bytes.count - place, 1 + Int(random.next() % 64))
        switch random.next() % 5 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.removeSubrange(place..<place + length)
        case 2: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
        case 3: bytes.replaceSubrange(place..<place + length, with: [UInt8](repeating: 0xff, count: length))
        default: bytes.removeSubrange(place...)
        }
    }

    @Test("whose checksums are right are still refused if they contradict themselves")
    func contradictions() throws {
        let offset = header.encoded.count
        func read(_ record: CaptureRecord) throws {
            _ = try CaptureSamples.read(header.encoded + record.encoded(header))
        }
        func record(_ tokens: [Token], prompt: Int = 1, firstTop: Int = 1, top: [TopToken]) -> CaptureRecord {
            let features = [UInt16](repeating: 0, count: 6 * tokens.count)
            return CaptureRecord(
                number: 0,
                tokens: tokens,
                promptCount: prompt,
                features: features,
                firstTop: firstTop,
                top: top
            )
        }
        let top = [TopToken(token: 1, logProbability: -1), TopToken(token: 2, logProbability: -2)]
        try read(record([1, 2], top: top))
        #expect(throws: CaptureError.damaged(offset: offset, reason: "token 10 is not below 10")) {
            try read(record([1, 10], top: top))
        }
        #expect(throws: CaptureError.self) { try read(record([1, 2], prompt: 3, top: top)) }
        #expect(throws: CaptureError.self) { try read(record([1, 2], firstTop: 2, top: top)) }
        #expect(throws: CaptureError.self) {
            try read(record([1, 2], top: [top[0], TopToken(token: 2, logProbability: .nan)]))
        }
        #expect(throws: CaptureError.self) { try CaptureSamples.read(CaptureSamples.file(numbers: [1, 1])) }
    }

    @Test("go on only with the same model, taps and source; the model's name may change")
    func difference() {
        func other(model: String = "tiny", taps: [FeatureTap]? = nil, source: String? = nil) -> CaptureHeader {
            CaptureHeader(
                model: model,
                fingerprint: header.fingerprint,
                tokenizerHash: header.tokenizerHash,
                vocabularySize: 10,
                width: 3,
                taps: taps ?? header.taps,
                topCount: 2,
                source: source ?? header.source
            )
        }
        #expect(other(model: "renamed").difference(from: header) == nil)
        #expect(
            other(taps: [.lastOutput]).difference(from: header)
                == .otherCapture(
                    what: "taps",
                    found: "the input of layer 2, the last layer's output after the final norm",
                    expected: "the last layer's output"
                )
        )
        #expect(other(source: "prompts").difference(from: header) != nil)
    }

    @Test("keep features as float16, whose largest number stands for larger ones")
    func halves() {
        let numbers: [Float] = [0, -1.5, 65_504, 1e9, -1e9, 0.1]
        #expect(
            CaptureRecord.numbers(CaptureRecord.halves(of: numbers)) == [0, -1.5, 65_504, 65_504, -65_504, 0.099975586]
        )
    }

    /// Made by the tables of ``CaptureHeader`` and ``CaptureRecord`` with Python's struct, and a bitwise CRC-32C.
    private static let goldenBytes = """
        504c434150545552010000007300000061e9bca00400000074696e790c000000303132333435363738396162000102030405\
        060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0a000000030000000200000002000000ffffffff02000000\
        1f000000746865206d6f64656c2773206f776e2070726f6d7074732c2073656564203092a26b170700000005000000030000\
        0002000000020000001c1af75d0100000002000000030000000400000009000000003f004080400041804100428042004380\
        43004440448044c044004540458045c045004640468046c046004740478047c0470048204840486048804804000000000000\
        000900000008000000000080be000040c000000000000020c2
        """
}
