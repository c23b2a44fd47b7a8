import PacelineSimulation

/// Methods side by side as an SVG picture. For each way of sampling it has two panels, with a line for each method:
/// tokens a pass by category, and the acceptance by depth.
struct MethodsPlot {
    private static let colours = [
        "#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#b8860b", "#444444", "#17869e", "#d17ba8", "#7a9a1f",
    ]
    private static let columnWidth = 78.0
    private static let depthWidth = 420.0
    private static let height = 240.0
    private static let margin = (left: 66.0, top: 76.0, gapX: 74.0, gapY: 78.0, right: 26.0, bottom: 54.0)
    private static let legendHeight = 19.0

    private let report: MethodsReport

    init(_ report: MethodsReport) {
        self.report = report
    }

    var svg: String {
        let margin = Self.margin
        let samplings = MethodsReport.distinct(report.tables.map(\.sampling))
        let top = margin.top + Double(methods.count) * Self.legendHeight
        var picture = SVGWriter(
            width: margin.left + categoryWidth + margin.gapX + Self.depthWidth + margin.right,
            height: top + Double(samplings.count) * (Self.height + margin.gapY) - margin.gapY + margin.bottom
        )
        picture.text("Methods of drafting for \(report.model)", x: margin.left, y: 26, size: 17, isBold: true)
        let words = report.settings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        picture.text(words.joined(separator: ", "), x: margin.left, y: 44, size: 11, colour: "#555555")
        for (index, method) in methods.enumerated() {
            let y = 62 + Double(index) * Self.legendHeight
            picture.line([(margin.left, y), (margin.left + 26, y)], colour: Self.colour(index))
            picture.text(method, x: margin.left + 32, y: y + 4, size: 12)
        }
        for (row, sampling) in samplings.enumerated() {
            let y = top + Double(row) * (Self.height + margin.gapY)
            drawCategories(sampling, y: y, &picture)
            drawDepths(sampling, y: y, &picture)
        }
        return picture.document
    }

    private var methods: [String] { MethodsReport.distinct(report.tables.flatMap(\.methods).map(\.label)) }

    private var categories: [String] { MethodsReport.distinct(report.tables.map(\.category)) }

    private var categoryWidth: Double { max(320, Double(categories.count) * Self.columnWidth) }

    private func drawCategories(_ sampling: String, y: Double, _ picture: inout SVGWriter) {
        let tables = report.tables.filter { $0.sampling == sampling }
        let panel = PlotPanel(
            x: Self.margin.left,
            y: y,
            width: categoryWidth,
            height: Self.height,
            columns: categories.map { String($0.prefix(13)) },
            highest: tables.flatMap(\.methods).map(\.tokensPerPass).max() ?? 1
        )
        panel.drawAxes(&picture, title: sampling, across: "category", up: "tokens a pass")
        for (index, method) in methods.enumerated() {
            let places = tables.compactMap { table in
                table.methods.first { $0.label == method }.map { row in
                    let column = categories.firstIndex(of: table.category) ?? 0
                    return panel.place(column: Double(column), value: row.tokensPerPass)
                }
            }
            draw(places, colour: Self.colour(index), &picture)
        }
    }

    private func drawDepths(_ sampling: String, y: Double, _ picture: inout SVGWriter) {
        guard let table = report.tables.last(where: { $0.sampling == sampling }) else { return }
        let deepest = max(1, table.methods.map(\.acceptance.count).max() ?? 1)
        let panel = PlotPanel(
            x: Self.margin.left + categoryWidth + Self.margin.gapX,
            y: y,
            width: Self.depthWidth,
            height: Self.height,
            columns: (1...deepest).map { "\($0)" },
            highest: 1
        )
        panel.drawAxes(&picture, title: "\(sampling), \(table.category)", across: "depth", up: "share accepted")
        for (index, method) in methods.enumerated() {
            guard let row = table.methods.first(where: { $0.label == method }) else { continue }
            for (depth, (mean, deviation)) in zip(row.acceptance, row.deviation).enumerated() {
                let ends = [max(0, mean - deviation), min(1, mean + deviation)]
                let bar = ends.map { panel.place(column: Double(depth), value: $0) }
                picture.line(bar, colour: Self.colour(index), width: 0.7)
            }
            let places = row.acceptance.enumerated().map { panel.place(column: Double($0), value: $1) }
            draw(places, colour: Self.colour(index), &picture)
        }
    }

    private func draw(_ places: [(Double, Double)], colour: String, _ picture: inout SVGWriter) {
        if places.count > 1 { picture.line(places, colour: colour) }
        for place in places { picture.circle(x: place.0, y: place.1, radius: 2.5, colour: colour, isFilled: true) }
    }

    private static func colour(_ index: Int) -> String { colours[index % colours.count] }
}
