import Foundation
import PacelineLoad
import PacelineSimulation

/// Latency by percentile as an SVG picture: a panel for each latency, a line for each way of asking.
struct LoadPlot {
    private static let colours = ["#1b6ca8", "#c8553d"]
    private static let width = 360.0
    private static let height = 220.0
    private static let margin = (left: 70.0, top: 104.0, gapX: 78.0, gapY: 78.0, right: 28.0, bottom: 58.0)
    /// Each column leaves a tenth of what the one before it leaves.
    private static let columns = ["0", "90", "99", "99.9", "99.99"]
    private static let panels: [(latency: LoadFigures.Latency, title: String)] = [
        (.timeToFirstToken, "Time to first token"), (.interToken, "Between parts with text"),
        (.timePerOutputToken, "For each further token"), (.endToEnd, "Whole answer"),
    ]

    private let report: LoadReport
    private let figures: [(name: String, figures: LoadFigures)]

    init(_ report: LoadReport, _ figures: [(name: String, figures: LoadFigures)]) {
        self.report = report
        self.figures = figures
    }

    var svg: String {
        let margin = Self.margin
        var picture = SVGWriter(
            width: margin.left + 2 * Self.width + margin.gapX + margin.right,
            height: margin.top + 2 * Self.height + margin.gapY + margin.bottom
        )
        let setting = report.setting
        let pace =
            setting.rate.map { "\($0) requests/s (\(setting.arrivals ?? ""))" }
            ?? "\(setting.concurrency ?? 1) requests at once"
        picture.text("Latency of \(setting.model) by percentile", x: margin.left, y: 26, size: 17, isBold: true)
        picture.text("\(setting.url), \(pace), \(setting.prompts)", x: margin.left, y: 45, size: 12, colour: "#555555")
        drawLegend(&picture)
        for (index, panel) in Self.panels.enumerated() {
            let x = margin.left + Double(index % 2) * (Self.width + margin.gapX)
            let y = margin.top + Double(index / 2) * (Self.height + margin.gapY)
            draw(panel.latency, title: panel.title, x: x, y: y, &picture)
        }
        return picture.document
    }

    private func drawLegend(_ picture: inout SVGWriter) {
        var x = Self.margin.left
        for (index, entry) in figures.enumerated() {
            picture.line([(x, 68), (x + 26, 68)], colour: Self.colours[index % 2], isDashed: index == 1)
            let rate = entry.figures.rate(entry.figures.outputTokens).formatted(decimals: 1)
            let name = entry.name == "all" ? "" : "\(entry.name), "
            picture.text("\(name)\(rate) tokens/s", x: x + 32, y: 72, size: 12)
            x += 220
        }
    }

    private func draw(
        _ latency: LoadFigures.Latency,
        title: String,
        x: Double,
        y: Double,
        _ picture: inout SVGWriter
    ) {
        let histograms = figures.map { $0.figures.histogram(latency) }
        let panel = PlotPanel(
            x: x,
            y: y,
            width: Self.width,
            height: Self.height,
            columns: Self.columns,
            highest: Double(histograms.map(\.maximum).max() ?? 0) / 1000
        )
        panel.drawAxes(&picture, title: title, across: "percentile", up: "ms")
        for (index, histogram) in histograms.enumerated() where histogram.totalCount > 0 {
            let places = histogram.steps().map { step in
                panel.place(column: Self.column(step.percentile), value: Double(step.value) / 1000)
            }
            picture.line(places, colour: Self.colours[index % 2], isDashed: index == 1)
        }
    }

    private static func column(_ percentile: Double) -> Double {
        min(Double(columns.count - 1), -log10(max(1e-9, 1 - percentile / 100)))
    }
}
