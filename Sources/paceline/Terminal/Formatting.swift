import Foundation
import PacelineModel
import PacelineSpeculation

extension Double {
    /// With a fixed number of decimals, the same in every locale.
    func formatted(decimals: Int) -> String {
        String(format: "%.\(decimals)f", self)
    }
}

/// e to the power of `value`, for display only.
func exponential(_ value: Double) -> Double { exp(value) }

extension Int {
    /// A size in bytes, for display: "98.4 MB".
    var asBytes: String {
        var value = Double(self)
        for unit in ["bytes", "kB", "MB", "GB"] {
            if value < 1000 || unit == "GB" {
                return unit == "bytes" ? "\(self) bytes" : "\(value.formatted(decimals: 1)) \(unit)"
            }
            value /= 1000
        }
        return "\(self) bytes"
    }

    /// A large count, for display: "134.5 M".
    var asCount: String {
        var value = Double(self)
        for unit in ["", " k", " M", " G"] {
            if value < 1000 || unit == " G" {
                return unit.isEmpty ? "\(self)" : "\(value.formatted(decimals: 1))\(unit)"
            }
            value /= 1000
        }
        return "\(self)"
    }
}

extension Tokenizer {
    /// A token's text in quotes, with line breaks and control characters escaped.
    func quoted(_ token: Token) throws -> String {
        let text = String(decoding: try bytes(of: token), as: UTF8.self)
        return text.debugDescription
    }
}
