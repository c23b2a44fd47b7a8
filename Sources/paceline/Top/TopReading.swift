import PacelineMetrics
import PacelineServer

/// What a server said about itself at one moment.
struct TopReading: Sendable {
    /// When it was asked, counted from some moment before.
    var time: Duration
    var metrics: MetricSamples
    /// The connected workers; nil if the server does not tell.
    var workers: [WorkerContribution]?
    /// Slots in all; nil if the server does not tell.
    var slots: Int?

    /// Whether a gateway told, which has neither workers nor slots.
    var isOfGateway: Bool { !metrics.names(beginning: TopFigures.gatewayPrefix).isEmpty }
}

/// The readings of the last seconds, and the speed at each of them.
struct TopHistory: Sendable {
    /// How long figures look back.
    private static let window = Duration.seconds(10)
    /// How many speeds are kept.
    private static let speedLimit = 240

    private(set) var readings: [TopReading] = []
    /// Generated tokens a second between successive readings, the latest last.
    private(set) var speeds: [Double] = []

    /// The latest reading, and the one that it is compared with.
    var span: (first: TopReading, last: TopReading)? {
        guard let first = readings.first, let last = readings.last else { return nil }
        return (first, last)
    }

    mutating func add(_ reading: TopReading) {
        if let last = readings.last {
            let speed = TopFigures.tokenRate(from: last, to: reading)
            if let speed, speed.isFinite, speed >= 0 {
                speeds.append(speed)
                if speeds.count > Self.speedLimit { speeds.removeFirst() }
            } else if speed != nil {
                // The counters began anew: this is another process.
                (readings, speeds) = ([], [])
            }
        }
        readings.append(reading)
        while readings.count > 2, reading.time - readings[0].time > Self.window { readings.removeFirst() }
    }
}
