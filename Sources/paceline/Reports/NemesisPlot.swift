import PacelineChaos
import PacelineSimulation

/// A run of a nemesis as an SVG picture: successful checks by the second, and below it a row for each target of faults
/// with the times at which they struck.
struct NemesisPlot {
    private static let colours = ["#1b6ca8", "#c8553d", "#3f7d3a", "#7a4f9a", "#b8860b"]
    private static let faultColours = [
        "partition": "#e9a03b", "flap": "#f0c674", "swizzle": "#d9843b", "down": "#a0522d", "kill": "#c0392b",
        "pause": "#8e7cc3", "toxic": "#76a5af",
    ]
    private static let width = 860.0
    private static let height = 240.0
    private static let rowHeight = 22.0
    private static let margin = (left: 150.0, top: 96.0, right: 30.0, between: 52.0, bottom: 46.0)

    private let report: NemesisReport

    init(_ report: NemesisReport) {
        self.report = report
    }

    var svg: String {
        let margin = Self.margin
        let rows = targets
        let lower = margin.top + Self.height + margin.between
        var picture = SVGWriter(
            width: margin.left + Self.width + margin.right,
            height: lower + Double(rows.count) * Self.rowHeight + margin.bottom
        )
        picture.text(report.name, x: margin.left, y: 26, size: 17, isBold: true)
        picture.text(report.sentence, x: margin.left, y: 45, size: 12, colour: "#555555")
        drawLegend(&picture)
        drawBands(&picture, rows: rows, lower: lower)
        let panel = PlotPanel(
            x: margin.left,
            y: margin.top,
            width: Self.width,
            height: Self.height,
            columns: columns,
            highest: Double(report.checks.flatMap(\.succeededBySecond).max() ?? 1)
        )
        panel.drawAxes(&picture, title: "", across: "seconds", up: "successful checks a second")
        for (index, check) in report.checks.enumerated() {
            // The last second was not a whole one.
            let whole = check.succeededBySecond.dropLast(check.succeededBySecond.count > 2 ? 1 : 0)
            let places = whole.enumerated().map { second, count in
                panel.place(column: (Double(second) + 0.5) / step, value: Double(count))
            }
            if !places.isEmpty { picture.line(places, colour: Self.colours[index % Self.colours.count], width: 1.8) }
        }
        return picture.document
    }

    // MARK: Scales

    /// How many seconds the picture shows.
    private var seconds: Double {
        let counted = report.checks.map(\.succeededBySecond.count).max() ?? 0
        return max(1, Double(counted), report.lengthMS / 1000)
    }

    /// Seconds from one mark of the axis to the next.
    private var step: Double {
        [1.0, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600].first { seconds / $0 <= 15 } ?? 86400
    }

    private var columns: [String] {
        (0...max(1, Int((seconds / step).rounded(.up)))).map { "\(Int(Double($0) * step))" }
    }

    private func place(_ milliseconds: Double) -> Double {
        let span = Double(columns.count - 1) * step
        return Self.margin.left + min(1, milliseconds / 1000 / span) * Self.width
    }

    private var targets: [String] {
        var targets: [String] = []
        for target in report.faults.flatMap(\.targets) where !targets.contains(target) { targets.append(target) }
        return targets
    }

    // MARK: Parts

    private func drawLegend(_ picture: inout SVGWriter) {
        var x = Self.margin.left
        for (index, check) in report.checks.enumerated() {
            let colour = Self.colours[index % Self.colours.count]
            picture.line([(x, 66), (x + 22, 66)], colour: colour)
            picture.text(check.name, x: x + 28, y: 70, size: 12)
            x += 48 + 7 * Double(check.name.count)
        }
        var kinds: [String] = []
        for fault in report.faults where !fault.targets.isEmpty && !kinds.contains(fault.fault) {
            kinds.append(fault.fault)
        }
        for kind in kinds {
            picture.line([(x, 66), (x + 22, 66)], colour: colour(kind), width: 10)
            picture.text(kind, x: x + 28, y: 70, size: 12)
            x += 48 + 7 * Double(kind.count)
        }
    }

    /// A bar in the row of each target, and a pale one over the curves.
    private func drawBands(_ picture: inout SVGWriter, rows: [String], lower: Double) {
        let (top, bottom) = (Self.margin.top, Self.margin.top + Self.height)
        for (index, row) in rows.enumerated() {
            let y = lower + (Double(index) + 0.5) * Self.rowHeight
            picture.text(String(row.prefix(20)), x: Self.margin.left - 8, y: y + 4, size: 11.5, anchor: "end")
            picture.line([(Self.margin.left, y), (Self.margin.left + Self.width, y)], colour: "#eeeeee", width: 1)
        }
        for fault in report.faults {
            guard let began = fault.beganMS else { continue }
            let left = place(began)
            let right = max(left + 2, place(fault.endedMS ?? report.lengthMS))
            let middle = (left + right) / 2
            picture.line([(middle, top), (middle, bottom)], colour: "#f6efe4", width: right - left)
            for target in fault.targets {
                guard let index = rows.firstIndex(of: target) else { continue }
                let y = lower + (Double(index) + 0.5) * Self.rowHeight
                picture.line([(left, y), (right, y)], colour: colour(fault.fault), width: 12)
            }
        }
    }

    private func colour(_ kind: String) -> String { Self.faultColours[kind] ?? "#999999" }
}
