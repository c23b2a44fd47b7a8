package import PacelineSpeculation

/// A logit is not a finite number, so no token can be sampled.
///
/// Minus infinity is refused too. It could serve as a mask, but only requests mask tokens. From a model it means that
/// weights or activations are damaged, or too large for their type.
package struct LogitError: Error, Equatable, CustomStringConvertible {
    /// The first token whose logit is not finite.
    package let token: Token
    package let value: Float
    /// The absolute position of the token to be sampled.
    package let position: Int

    package init(token: Token, value: Float, position: Int) {
        self.token = token
        self.value = value
        self.position = position
    }

    package static func == (left: LogitError, right: LogitError) -> Bool {
        // Compares bits, because NaN does not equal itself.
        (left.token, left.value.bitPattern, left.position) == (right.token, right.value.bitPattern, right.position)
    }

    package var description: String {
        "the model gives token \(token) the logit \(value) at position \(position), so no token can be chosen; "
            + "its weights are damaged or too large for their type, fetch or convert the model again"
    }
}
