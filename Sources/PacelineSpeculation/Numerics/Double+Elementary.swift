/// Exponential and logarithm without a C library, so that estimates, plans and simulations are the same on every
/// machine. Accurate to two units in the last place. They affect only speed, never a token.
extension Double {
    /// e to the power of `x`; 0 below the range of doubles, infinity above it, and NaN for NaN.
    package static func exponential(_ x: Double) -> Double {
        guard x > -745 else { return x.isNaN ? x : 0 }
        guard x < 709.7 else { return x.isNaN ? x : .infinity }
        // The nearest power of two. Converts to Int because rounding functions belong to the C library.
        let exponent = Int(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5))
        let power = Double(exponent)
        // ln 2 in two parts, the first with enough trailing zeros that the product is exact.
        let rest = (x - power * 0.6931471803691238) - power * 1.9082149292705877e-10
        var sum = 1.0
        for divisor in stride(from: 13.0, through: 1, by: -1) {
            sum = 1 + sum * rest / divisor
        }
        // In two steps, because 2^power alone may be below the smallest double.
        let half = exponent / 2
        return sum * Double(sign: .plus, exponent: half, significand: 1)
            * Double(sign: .plus, exponent: exponent - half, significand: 1)
    }

    /// The natural logarithm of `x`; minus infinity for 0, and NaN for negative numbers and NaN.
    package static func logarithm(_ x: Double) -> Double {
        guard x > 0 else { return x == 0 ? -.infinity : .nan }
        guard x < .infinity else { return x }
        var significand = x.significand
        var exponent = Double(x.exponent)
        if significand > 1.4142135623730951 {
            significand /= 2
            exponent += 1
        }
        // ln m = 2 artanh((m - 1) / (m + 1)), whose series converges fast for |argument| < 0.172.
        let ratio = (significand - 1) / (significand + 1)
        let square = ratio * ratio
        var sum = 0.0
        for divisor in stride(from: 23.0, through: 3, by: -2) {
            sum = (sum + 1 / divisor) * square
        }
        return exponent * 0.6931471803691238 + (2 * ratio * (1 + sum) + exponent * 1.9082149292705877e-10)
    }
}
