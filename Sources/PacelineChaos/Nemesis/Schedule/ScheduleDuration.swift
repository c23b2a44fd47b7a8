import Foundation

/// Times in schedules: `250ms`, `1.5s`, `2m`, `1h`, and `0`.
enum ScheduleDuration {
    // "s" and "m" come last because other units end in them.
    private static let units: [(suffix: String, seconds: Double)] = [
        ("ms", 1e-3), ("h", 3600), ("s", 1), ("m", 60),
    ]
    /// A week.
    static let longest = Duration.seconds(604_800)
    static let any = Duration.zero...longest
    /// For what would otherwise never end.
    static let positive = Duration.milliseconds(1)...longest

    /// nil for anything but a number with a unit, from 0 to ``longest``.
    static func read(_ text: some StringProtocol) -> Duration? {
        if text == "0" { return .zero }
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let count = Double(digits) else {
            return nil
        }
        let seconds = count * unit.seconds
        guard seconds <= longest / .seconds(1) else { return nil }
        return .nanoseconds(Int64((seconds * 1e9).rounded()))
    }

    /// A time, or two with `..` between.
    static func choice(_ text: String) -> DurationChoice? {
        guard let dots = text.firstRange(of: "..") else { return read(text).map { DurationChoice($0) } }
        guard let low = read(text[..<dots.lowerBound]), let high = read(text[dots.upperBound...]), low <= high else {
            return nil
        }
        return DurationChoice(low...high)
    }

    static func words(_ range: ClosedRange<Duration>) -> String {
        "a time from \(words(range.lowerBound)) to \(words(range.upperBound))"
    }

    /// As schedules write it.
    package static func words(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        func number(_ value: Double) -> String {
            let rounded = (value * 1000).rounded() / 1000
            return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
        }
        if seconds == 0 { return "0" }
        if seconds >= 3600, seconds.truncatingRemainder(dividingBy: 3600) == 0 { return number(seconds / 3600) + "h" }
        return seconds < 1 ? number(seconds * 1000) + "ms" : number(seconds) + "s"
    }
}
