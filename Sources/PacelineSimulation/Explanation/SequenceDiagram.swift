/// Draws the events of a run: a column for each process, time from top to bottom, an arrow for each message.
struct SequenceDiagram {
    /// Rows at most: with more, those in the middle are left out.
    private static let rowLimit = 600
    private static let rowHeight = 16.0
    private static let columnWidth = 150.0
    private static let margin = (left: 90.0, top: 60.0)

    /// Frames that say nothing but that a process lives.
    private static let silent: Set<String> = ["ping", "pong"]
    private static let colours = [
        "tree": "#2a7f3f", "verdict": "#1f4e9c", "verifying": "#7aa3dd", "answer": "#1f4e9c", "ask": "#555555",
        "open": "#555555", "fault": "#c62828", "violation": "#c62828",
    ]

    private let title: String
    private let columns: [String]
    private let rows: [SimulationEvent?]
    private let omitted: Int

    init(_ events: [SimulationEvent], title: String) {
        self.title = title
        let shown = events.filter { $0.kind != "pass" && !($0.kind == "frame" && Self.silent.contains($0.detail)) }
        let names = Set(shown.flatMap { [$0.from, $0.to].compactMap(\.self) })
        columns = names.sorted { (Self.rank($0), $0) < (Self.rank($1), $1) }
        omitted = max(0, shown.count - Self.rowLimit)
        let half = Self.rowLimit / 2
        // A nil row says that some are missing.
        let (first, last) = (shown.prefix(omitted == 0 ? shown.count : half), shown.suffix(omitted == 0 ? 0 : half))
        let gap: [SimulationEvent?] = omitted == 0 ? [] : [nil]
        rows = first.map(Optional.some) + gap + last.map(Optional.some)
    }

    /// Clients on the left, then what answers them, workers on the right.
    private static func rank(_ name: String) -> Int {
        let order = ["client", "call", "gateway", "verifier", "worker", "byzantine", "stranger"]
        return order.firstIndex { name.hasPrefix($0) } ?? order.count
    }

    var document: String {
        let width = Self.margin.left + Double(max(1, columns.count)) * Self.columnWidth + 260
        let height = Self.margin.top + Double(rows.count + 2) * Self.rowHeight
        var svg = SVGWriter(width: width, height: height)
        svg.text(title, x: 10, y: 20, size: 14, isBold: true)
        for (index, name) in columns.enumerated() {
            svg.text(name, x: x(index), y: 44, size: 12, anchor: "middle", isBold: true)
            svg.line([(x(index), 50), (x(index), height - 10)], colour: "#dddddd", width: 1)
        }
        for (index, event) in rows.enumerated() {
            let y = Self.margin.top + Double(index + 1) * Self.rowHeight
            if let event { draw(event, y, &svg) } else { svg.text("… \(omitted) events", x: 10, y: y, size: 10) }
        }
        return svg.document
    }

    private func x(_ column: Int) -> Double {
        Self.margin.left + (Double(column) + 0.5) * Self.columnWidth
    }

    private func draw(_ event: SimulationEvent, _ y: Double, _ svg: inout SVGWriter) {
        svg.text("\(event.milliseconds)", x: Self.margin.left - 10, y: y + 3, size: 9, anchor: "end", colour: "#777777")
        let colour = Self.colours[event.kind == "frame" ? event.detail : event.kind] ?? "#333333"
        let from = event.from.flatMap { columns.firstIndex(of: $0) }.map(x)
        let to = event.to.flatMap { columns.firstIndex(of: $0) }.map(x)
        if let from, let to {
            arrow(from, to, y, colour, &svg)
            svg.text(event.detail, x: (from + to) / 2, y: y - 2, size: 9, anchor: "middle", colour: colour)
        } else if let place = from ?? to {
            svg.circle(x: place, y: y, radius: 3, colour: colour, isFilled: true)
            svg.text(event.detail, x: place + 7, y: y + 3, size: 9, colour: colour)
        } else {
            svg.line([(Self.margin.left, y), (x(columns.count), y)], colour: colour, width: 1, isDashed: true)
            svg.text("\(event.kind): \(event.detail)", x: Self.margin.left + 5, y: y - 2, size: 9, colour: colour)
        }
    }

    private func arrow(_ from: Double, _ to: Double, _ y: Double, _ colour: String, _ svg: inout SVGWriter) {
        let back = to > from ? -6.0 : 6.0
        svg.line([(from, y), (to, y)], colour: colour, width: 1)
        svg.line([(to + back, y - 3), (to, y), (to + back, y + 3)], colour: colour, width: 1)
    }
}
