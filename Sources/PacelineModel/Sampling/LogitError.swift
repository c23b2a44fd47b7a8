package import PacelineSpeculation

/// A model's logits that are no law: one of them is not a finite number, so that no token can be chosen from them.
///
/// Minus infinity is none either. It would do as a mask, but what masks tokens is the request; a product of weights and
/// activations gives it where they are damaged, or too large for their type.
package struct LogitError: Error, Equatable, CustomStringConvertible {
    /// The first token whose logit is not finite.
    package let token: Token
    package let value: Float
    /// The absolute position of the token that was to be chosen.
    package let position: Int

    package init(token: Token, value: Float, position: Int) {
        self.token = token
        self.value = value
        self.position = position
    }

    package static func == (left: LogitError, right: LogitError) -> Bool {
        // By its bits, as no NaN equals another.
        (left.token, left.value.bitPattern, left.position) == (right.token, right.value.bitPattern, right.position)
    }

    package var description: String {
        "the model gives token \(token) the logit \(value) at position \(position), so that no token can be chosen; "
            + "its "
            + "weights are damaged or too large for their type, fetch or convert the model again"
    }
}
