/// Lines, circles and words as an SVG document. Places are in pixels from the upper left corner.
package struct SVGWriter {
    private let width: Double
    private let height: Double
    private var elements: [String] = []

    package init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    package mutating func line(
        _ points: [(Double, Double)],
        colour: String,
        width: Double = 2,
        isDashed: Bool = false
    ) {
        let places = points.map { "\(Self.number($0.0)),\(Self.number($0.1))" }.joined(separator: " ")
        let dashes = isDashed ? " stroke-dasharray=\"6 4\"" : ""
        elements.append(
            "<polyline points=\"\(places)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"\(width)\"\(dashes)/>"
        )
    }

    package mutating func circle(x: Double, y: Double, radius: Double, colour: String, isFilled: Bool) {
        let fill = isFilled ? colour : "none"
        elements.append(
            "<circle cx=\"\(Self.number(x))\" cy=\"\(Self.number(y))\" r=\"\(radius)\" fill=\"\(fill)\" "
                + "stroke=\"\(colour)\" stroke-width=\"1.5\"/>"
        )
    }

    /// - Parameters:
    ///   - anchor: which end of the words lies at `x`: "start", "middle" or "end".
    ///   - isUpright: read from bottom to top.
    package mutating func text(
        _ words: String,
        x: Double,
        y: Double,
        size: Double,
        anchor: String = "start",
        colour: String = "#222222",
        isBold: Bool = false,
        isUpright: Bool = false
    ) {
        let place = "x=\"\(Self.number(x))\" y=\"\(Self.number(y))\""
        let turn = isUpright ? " transform=\"rotate(-90 \(Self.number(x)) \(Self.number(y)))\"" : ""
        let weight = isBold ? " font-weight=\"bold\"" : ""
        elements.append(
            "<text \(place) font-size=\"\(size)\" text-anchor=\"\(anchor)\" fill=\"\(colour)\"\(weight)\(turn)>"
                + "\(Self.escaped(words))</text>"
        )
    }

    /// The whole document.
    package var document: String {
        let size = "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\""
        let box = "viewBox=\"0 0 \(Self.number(width)) \(Self.number(height))\""
        return
            "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) \(box) font-family=\"Helvetica, Arial, sans-serif\">\n"
            + "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
            + elements.joined(separator: "\n") + "\n</svg>\n"
    }

    private static func number(_ value: Double) -> String {
        let tenths = (value * 10).rounded() / 10
        return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
    }

    private static func escaped(_ words: String) -> String {
        words.reduce(into: "") { text, character in
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            default: text.append(character)
            }
        }
    }
}
