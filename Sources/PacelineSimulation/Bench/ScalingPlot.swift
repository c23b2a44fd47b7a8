import PacelineCluster

/// Throughput against workers as an SVG picture. It has a panel for each number of sequences and round-trip time, and a
/// line for each acceptance level. A ring marks where more workers stop paying off.
package struct ScalingPlot: Sendable {
    private static let colours = ["#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#b8860b", "#444444"]
    private static let panelWidth = 320.0
    private static let panelHeight = 210.0
    /// How far lines are drawn apart, so that none hides an equal one.
    private static let nudge = 4.0
    private static let margin = (left: 64.0, top: 112.0, gapX: 66.0, gapY: 70.0, right: 24.0, bottom: 56.0)

    private let title: String
    private let subtitle: String
    private let lines: [ClusterBenchmark.Line]
    private let sequences: [Int]
    private let trips: [Double]
    private let agreements: [Double]
    private let workers: [Int]

    /// - Parameters:
    ///   - title: what is shown.
    ///   - subtitle: under which conditions.
    package init(title: String, subtitle: String, lines: [ClusterBenchmark.Line]) {
        self.title = title
        self.subtitle = subtitle
        self.lines = lines
        sequences = Self.distinct(lines.map(\.sequences))
        trips = Self.distinct(lines.map(\.roundTripMilliseconds))
        agreements = Self.distinct(lines.map(\.agreement))
        workers = Self.distinct(lines.flatMap { $0.results.map(\.point.workers) })
    }

    private static func distinct<Value: Comparable & Hashable>(_ values: [Value]) -> [Value] {
        Set(values).sorted()
    }

    /// The picture.
    package var svg: String {
        let margin = Self.margin
        let width = margin.left + Double(trips.count) * (Self.panelWidth + margin.gapX) - margin.gapX + margin.right
        let height =
            margin.top + Double(sequences.count) * (Self.panelHeight + margin.gapY) - margin.gapY + margin.bottom
        var picture = SVGWriter(width: width, height: height)
        picture.text(title, x: margin.left, y: 26, size: 17, isBold: true)
        picture.text(subtitle, x: margin.left, y: 45, size: 12, colour: "#555555")
        drawLegend(&picture)
        for (row, count) in sequences.enumerated() {
            for (column, trip) in trips.enumerated() {
                let panel = PlotPanel(
                    x: margin.left + Double(column) * (Self.panelWidth + margin.gapX),
                    y: margin.top + Double(row) * (Self.panelHeight + margin.gapY),
                    width: Self.panelWidth,
                    height: Self.panelHeight,
                    columns: workers.map { "\($0)" },
                    highest: highest(sequences: count)
                )
                let noun = count == 1 ? "sequence" : "sequences"
                let title = "\(count) \(noun), round trip \(Self.short(trip)) ms"
                panel.drawAxes(&picture, title: title, across: "workers", up: "tokens/s")
                draw(sequences: count, trip: trip, in: panel, &picture)
            }
        }
        return picture.document
    }

    private func highest(sequences count: Int) -> Double {
        lines.filter { $0.sequences == count }.flatMap(\.results).map(\.tokensPerSecond).max() ?? 1
    }

    private func drawLegend(_ picture: inout SVGWriter) {
        var x = Self.margin.left
        for (index, agreement) in agreements.enumerated() {
            picture.line([(x, 64), (x + 26, 64)], colour: Self.colour(index))
            picture.text("acceptance \(Self.short(agreement))", x: x + 32, y: 68, size: 12)
            x += 150
        }
        if lines.contains(where: { $0.mode == .stopAndWait }) {
            picture.line([(x, 64), (x + 26, 64)], colour: "#444444", isDashed: true)
            picture.text("stop-and-wait", x: x + 32, y: 68, size: 12)
            x += 130
        }
        picture.circle(x: x + 6, y: 64, radius: 6, colour: "#444444", isFilled: false)
        picture.text("95 % of the line's best: saturated", x: x + 18, y: 68, size: 12)
    }

    private func draw(sequences: Int, trip: Double, in panel: PlotPanel, _ picture: inout SVGWriter) {
        for line in lines where line.sequences == sequences && line.roundTripMilliseconds == trip {
            let index = agreements.firstIndex(of: line.agreement) ?? 0
            let colour = Self.colour(index)
            let nudge = Self.nudge * (Double(index) - Double(agreements.count - 1) / 2)
            func place(_ result: ClusterBenchmark.Measurement) -> (Double, Double) {
                let column = workers.firstIndex(of: result.point.workers) ?? 0
                let place = panel.place(column: Double(column), value: result.tokensPerSecond)
                return (place.0 + nudge, place.1)
            }
            let places = line.results.map(place)
            picture.line(places, colour: colour, isDashed: line.mode == .stopAndWait)
            for place in places {
                picture.circle(x: place.0, y: place.1, radius: 2.5, colour: colour, isFilled: true)
            }
            guard let saturation = line.saturation, line.results.count > 1 else { continue }
            let ring = place(saturation)
            picture.circle(x: ring.0, y: ring.1, radius: 6, colour: colour, isFilled: false)
        }
    }

    private static func colour(_ index: Int) -> String {
        colours[index % colours.count]
    }

    /// A number without superfluous decimals.
    private static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"
    }
}
