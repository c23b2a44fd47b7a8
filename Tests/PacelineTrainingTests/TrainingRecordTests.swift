import PacelineTraining
import Testing

@Suite("Records of trainings")
struct TrainingRecordTests {
    private static let record = TrainingRecord(
        settings: [.init("target", "abc = def"), .init("steps", "120"), .init("empty", "")],
        measurements: [
            .init(step: 0, tokens: 0, loss: 0, acceptance: 1, conditional: []),
            .init(step: 6, tokens: 12_288, loss: 2.1 / 3, acceptance: 1.75, conditional: [0.5, 1.0 / 3, 0, 0]),
        ],
        checkpoint: (0..<200).map { UInt8($0) }
    )

    @Test("reading gives what was written")
    func roundTrip() throws {
        #expect(try TrainingRecord(encoded: Self.record.encoded) == Self.record)
        let empty = TrainingRecord(settings: [], measurements: [], checkpoint: [])
        #expect(try TrainingRecord(encoded: empty.encoded) == empty)
    }

    @Test("a record that was changed or cut off anywhere is refused")
    func damage() {
        let bytes = Self.record.encoded
        for place in bytes.indices {
            var copy = bytes
            copy[place] ^= 0x10
            let expected = place < 8 ? TrainingRecordError.notARecord : .damaged
            #expect(throws: expected, "byte \(place)") { try TrainingRecord(encoded: copy) }
            #expect(throws: TrainingRecordError.self) { try TrainingRecord(encoded: Array(bytes[..<place])) }
        }
    }

    @Test("other settings are refused by the first that differs")
    func settings() throws {
        try Self.record.check(Self.record.settings)
        var other = Self.record.settings
        other[1] = .init("steps", "121")
        other[2] = .init("empty", "no")
        #expect(throws: TrainingRecordError.otherSettings(name: "steps", found: "120", expected: "121")) {
            try Self.record.check(other)
        }
        #expect(throws: TrainingRecordError.damaged) { try Self.record.check(Array(Self.record.settings.dropLast())) }
    }

    @Test("a line break in a value does not make another line")
    func lineBreaks() throws {
        var record = Self.record
        record.settings[0] = .init("target", "a\nb=c\r\nd")
        #expect(try TrainingRecord(encoded: record.encoded).settings[0].value == "a b=c d")
    }
}
