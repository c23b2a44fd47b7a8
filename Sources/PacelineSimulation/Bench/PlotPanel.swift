/// One pair of axes: named columns from left to right; a value from the bottom up, from zero.
package struct PlotPanel {
    let x: Double
    let y: Double
    let width: Double
    let height: Double
    private let columns: [String]
    private let top: Double
    private let tick: Double

    /// - Parameters:
    ///   - x: the left end of the axes; `y` is the top, and both are in the units of the picture.
    ///   - columns: the names below the horizontal axis, at equal distances.
    ///   - highest: the largest value that must fit.
    package init(x: Double, y: Double, width: Double, height: Double, columns: [String], highest: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
        self.columns = columns
        tick = Self.tick(below: highest)
        top = max(tick, (highest / tick).rounded(.up) * tick)
    }

    /// 1, 2 or 5 times a power of ten, such that about five of them reach `highest`.
    private static func tick(below highest: Double) -> Double {
        guard highest > 0, highest < 1e12 else { return 1 }
        var power = 1e-3
        while power * 50 < highest { power *= 10 }
        return [1.0, 2, 5].map { $0 * power }.first { $0 * 6 >= highest } ?? 10 * power
    }

    /// Where a value belongs.
    ///
    /// - Parameter column: 0 is the first; 0.5 lies midway between that and the second.
    package func place(column: Double, value: Double) -> (Double, Double) {
        let share = columns.count > 1 ? column / Double(columns.count - 1) : 0.5
        return (x + share * width, y + height * (1 - value / top))
    }

    /// - Parameters:
    ///   - title: stands above the axes.
    ///   - across: what the columns are.
    ///   - up: what the values are, with their unit.
    package func drawAxes(_ picture: inout SVGWriter, title: String, across: String, up: String) {
        picture.text(title, x: x, y: y - 9, size: 12.5, isBold: true)
        var value = 0.0
        while value <= top * 1.0001 {
            let height = place(column: 0, value: value).1
            picture.line([(x, height), (x + width, height)], colour: value == 0 ? "#222222" : "#dddddd", width: 1)
            picture.text(label(value), x: x - 7, y: height + 4, size: 11, anchor: "end")
            value += tick
        }
        picture.line([(x, y), (x, y + height)], colour: "#222222", width: 1)
        for (index, name) in columns.enumerated() {
            let left = place(column: Double(index), value: 0).0
            picture.line([(left, y + height), (left, y + height + 4)], colour: "#222222", width: 1)
            picture.text(name, x: left, y: y + height + 17, size: 11, anchor: "middle")
        }
        picture.text(across, x: x + width / 2, y: y + height + 33, size: 11.5, anchor: "middle")
        picture.text(up, x: x - 44, y: y + height / 2, size: 11.5, anchor: "middle", isUpright: true)
    }

    private func label(_ value: Double) -> String {
        tick >= 1 ? "\(Int(value.rounded()))" : "\((value * 1000).rounded() / 1000)"
    }
}
