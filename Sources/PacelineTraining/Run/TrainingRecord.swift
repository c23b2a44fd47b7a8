import CPacelineChecksum

/// What a training that was interrupted needs to go on: how it was set up, what it has measured, and its state.
///
/// | bytes | content |
/// |---|---|
/// | 8 | `PLRECORD` |
/// | 4 | CRC-32C of all that follows |
/// | 4 | bytes of the text |
/// | | text: a line "name=value" for each setting, then a line of numbers for each measurement |
/// | | the state's checkpoint |
package struct TrainingRecord: Equatable, Sendable {
    /// Something that decides the outcome.
    package struct Setting: Equatable, Sendable {
        package let name: String
        package let value: String

        /// - Parameters:
        ///   - name: without "=".
        ///   - value: line breaks in it become spaces.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = String(value.map { $0.isNewline ? " " : $0 })
        }
    }

    package var settings: [Setting]
    package var measurements: [TrainingMeasurement]
    /// As ``TrainingState/checkpoint(_:)`` makes it.
    package var checkpoint: [UInt8]

    package init(settings: [Setting], measurements: [TrainingMeasurement], checkpoint: [UInt8]) {
        (self.settings, self.measurements, self.checkpoint) = (settings, measurements, checkpoint)
    }

    /// Checks that a training with these settings can go on from here.
    package func check(_ expected: [Setting]) throws(TrainingRecordError) {
        for (own, other) in zip(settings, expected) where own != other {
            guard own.name == other.name else { break }
            throw .otherSettings(name: own.name, found: own.value, expected: other.value)
        }
        guard settings.map(\.name) == expected.map(\.name) else { throw .damaged }
    }
}

/// What a head was worth at a step of its training.
package struct TrainingMeasurement: Equatable, Sendable {
    package var step: Int
    /// Tokens that were trained on until then; more than once in each epoch.
    package var tokens: Int
    /// The mean loss of the steps since the last measurement.
    package var loss: Double
    /// Mean acceptance length of chains, on texts that are not trained on.
    package var acceptance: Double
    /// How often the token at a place of a chain is accepted where the ones before it are.
    package var conditional: [Double]

    package init(step: Int, tokens: Int, loss: Double, acceptance: Double, conditional: [Double]) {
        (self.step, self.tokens, self.loss) = (step, tokens, loss)
        (self.acceptance, self.conditional) = (acceptance, conditional)
    }
}

/// Why a training cannot go on from a file.
package enum TrainingRecordError: Error, Equatable, CustomStringConvertible {
    case notARecord
    case damaged
    case otherSettings(name: String, found: String, expected: String)

    package var description: String {
        switch self {
        case .notARecord:
            "this is not the record of a training: it does not begin with PLRECORD"
        case .damaged:
            "the record of the training is damaged: delete it and train from the beginning"
        case .otherSettings(let name, let found, let expected):
            "the training was begun with \(name) \(found) instead of \(expected): use the same options and data, or "
                + "delete the record and train from the beginning"
        }
    }
}

// MARK: Bytes

extension TrainingRecord {
    private static let magic = Array("PLRECORD".utf8)

    package var encoded: [UInt8] {
        let lines = settings.map { "\($0.name)=\($0.value)" } + measurements.map(\.line)
        let text = Array(lines.joined(separator: "\n").utf8)
        var rest: [UInt8] = []
        rest.reserveCapacity(4 + text.count + checkpoint.count)
        rest.appendLittleEndian(UInt32(text.count))
        rest += text
        rest += checkpoint
        var bytes = Self.magic
        bytes.appendLittleEndian(rest.checksum)
        return bytes + rest
    }

    package init(encoded bytes: [UInt8]) throws(TrainingRecordError) {
        guard bytes.starts(with: Self.magic) else { throw .notARecord }
        guard bytes.count >= 16 else { throw .damaged }
        func integer(_ place: Int) -> UInt32 { bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) } }
        guard Array(bytes[12...]).checksum == integer(8) else { throw .damaged }
        let (count, rest) = (Int(integer(12)), Array(bytes[16...]))
        guard count <= rest.count,
            let text = String(validating: rest[..<count], as: UTF8.self)
        else { throw .damaged }
        (settings, measurements) = ([], [])
        for line in text.split(separator: "\n") {
            if let end = line.firstIndex(of: "=") {
                settings.append(Setting(String(line[..<end]), String(line[line.index(after: end)...])))
            } else if let measurement = TrainingMeasurement(line) {
                measurements.append(measurement)
            } else {
                throw .damaged
            }
        }
        checkpoint = Array(rest[count...])
    }
}

extension TrainingMeasurement {
    fileprivate var line: String {
        ([Double(step), Double(tokens), loss, acceptance] + conditional).map { "\($0)" }.joined(separator: " ")
    }

    fileprivate init?(_ line: Substring) {
        let numbers = line.split(separator: " ").compactMap { Double($0) }
        guard numbers.count >= 4, let step = Int(exactly: numbers[0]), let tokens = Int(exactly: numbers[1]) else {
            return nil
        }
        self.init(
            step: step,
            tokens: tokens,
            loss: numbers[2],
            acceptance: numbers[3],
            conditional: Array(numbers[4...])
        )
    }
}

extension [UInt8] {
    fileprivate var checksum: UInt32 { withUnsafeBytes { pl_crc32c(0, $0.baseAddress, $0.count) } }

    fileprivate mutating func appendLittleEndian(_ value: UInt32) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
