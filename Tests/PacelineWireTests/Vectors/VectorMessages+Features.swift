import PacelineSpeculation
import PacelineWire

extension VectorMessage {
    /// A worker whose head reads two features: those of all the prompt but its last token, which nobody has read yet,
    /// then those that a verdict goes with.
    static let features: [VectorMessage] = [
        VectorMessage(name: "features/01-hello", sender: .worker, message: .hello(readingHello(.float16))),
        VectorMessage(name: "features/02-welcome", sender: .verifier, message: .welcome(readingWelcome)),
        VectorMessage(name: "features/03-open", sender: .verifier, message: .open(open)),
        VectorMessage(
            name: "features/04-features",
            sender: .verifier,
            message: .features(Message.Features(request: 7, block: promptRows, format: .float16))
        ),
        VectorMessage(
            name: "features/05-features",
            sender: .verifier,
            message: .features(Message.Features(request: 7, block: verdictRows, format: .float16))
        ),
        VectorMessage(name: "features/06-verdict", sender: .verifier, message: .verdict(verdict)),
    ]

    /// The same in a byte a number. The numbers are such that nothing is lost.
    static let eightBitFeatures: [VectorMessage] = [
        VectorMessage(name: "features-eight-bit/01-hello", sender: .worker, message: .hello(readingHello(.eightBit))),
        VectorMessage(name: "features-eight-bit/02-welcome", sender: .verifier, message: .welcome(readingWelcome)),
        VectorMessage(name: "features-eight-bit/03-open", sender: .verifier, message: .open(open)),
        VectorMessage(
            name: "features-eight-bit/04-features",
            sender: .verifier,
            message: .features(Message.Features(request: 7, block: exactRows, format: .eightBit))
        ),
    ]

    private static let taps: [FeatureTap] = [.input(layer: 12), .normedOutput]

    private static func readingHello(_ format: FeatureDemand.Format) -> Message.Hello {
        var reading = newHello
        reading.capabilities.insert(.features)
        reading.features = FeatureDemand(taps: taps, format: format)
        return reading
    }

    private static var readingWelcome: Message.Welcome {
        var reading = newWelcome
        reading.capabilities.insert(.features)
        return reading
    }

    private static let promptRows = rows(0..<4)
    /// Of the last token of the prompt and of the two that are accepted.
    private static let verdictRows = rows(4..<7)

    private static func rows(_ positions: Range<Int>) -> FeatureBlock {
        let values: [Float16] = positions.flatMap { position in
            (0..<6).map { number in Float16(number.isMultiple(of: 2) ? position : -position) + Float16(number) / 8 }
        }
        return FeatureBlock(position: positions.lowerBound, taps: taps, width: 3, values: values)
    }

    /// In each row and tap, the largest magnitude is 127 times a power of two, or 0.
    private static let exactRows = FeatureBlock(
        position: 2,
        taps: taps,
        width: 4,
        values: [
            1.984375, -1, 0.046875, 0, 0, 0, 0, 0,
            -63.5, 0.5, 32, 0, 254, -2, 100, -254,
        ]
    )
}
