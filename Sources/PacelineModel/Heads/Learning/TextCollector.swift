package import PacelineSpeculation

/// Collects texts while they are drafted for, from what drafters are told: the base, features and committed tokens.
///
/// It keeps the answers and a little of the prompts before them, in bounded memory: where there is no room for more
/// features, a text ends early.
package struct TextCollector<ID: Hashable & Sendable>: Sendable {
    /// What may be kept.
    package struct Limits: Equatable, Sendable {
        /// Rows of the prompt, which give a text its context.
        package var context = 64
        /// Rows of a text, besides.
        package var rows = 2048
        /// Bytes of features of all texts that are not over.
        package var bytes = 16 << 20

        package init() {}
    }

    private struct Text: Sendable {
        /// From ``start`` on.
        var tokens: [Token]
        var start: Int
        /// The position of the first token that the target has said.
        var answer: Int
        /// Nil before the first row.
        var features: FeatureBlock?
        /// Whether no more rows are kept.
        var isFull = false
    }

    private let taps: [FeatureTap]
    private let limits: Limits
    private var texts: [ID: Text] = [:]
    /// Of features in ``texts``.
    package private(set) var byteCount = 0

    /// - Parameter taps: the features that are wanted.
    package init(taps: [FeatureTap], limits: Limits = Limits()) {
        (self.taps, self.limits) = (taps, limits)
    }

    /// A text begins, or begins anew.
    ///
    /// - Parameter base: the tokens that the target was given.
    package mutating func open(_ id: ID, base: [Token]) {
        forget(id)
        let start = max(0, base.count - limits.context)
        texts[id] = Text(tokens: Array(base[start...]), start: start, answer: base.count)
    }

    /// Takes the features that follow those that it has. Behind a gap the text starts anew: rows on its two sides are
    /// not next to each other.
    package mutating func take(_ block: FeatureBlock, of id: ID) {
        guard var text = texts.removeValue(forKey: id) else { return }
        defer { texts[id] = text }
        guard !text.isFull, let selected = block.selecting(taps) else { return }
        let new = selected.suffix(from: max(text.start, text.features?.end ?? 0))
        guard new.count > 0 else { return }
        if let old = text.features, old.end != new.position || old.width != new.width {
            byteCount -= old.byteCount
            text.features = nil
        }
        let rowBytes = new.rowLength * 2
        let room = min(
            limits.context + limits.rows - (text.features?.count ?? 0),
            (limits.bytes - byteCount) / rowBytes
        )
        let kept = new.prefix(max(0, room))
        text.isFull = kept.count < new.count
        byteCount += kept.byteCount
        // Out of the optional for a moment, so that it grows in place.
        guard var features = text.features.take() else { return text.features = kept.count > 0 ? kept : nil }
        features.append(kept)
        text.features = features
    }

    /// The target has said these tokens next.
    package mutating func commit(_ tokens: [Token], of id: ID) {
        texts[id]?.tokens += tokens
    }

    /// A text is over.
    ///
    /// - Returns: what can be learned from, if that is at least `least` rows.
    package mutating func close(_ id: ID, least: Int = 8) -> ServedText? {
        guard let text = texts[id] else { return nil }
        forget(id)
        guard let features = text.features else { return nil }
        // Features may be there of tokens that never came.
        let rows = min(features.end, text.start + text.tokens.count) - features.position
        guard rows > 0 else { return nil }
        let first = features.position - text.start
        let served = ServedText(
            tokens: Array(text.tokens[first..<min(first + rows + 1, text.tokens.count)]),
            features: features.prefix(rows),
            given: text.answer - features.position
        )
        return served.learned.count >= least ? served : nil
    }

    private mutating func forget(_ id: ID) {
        byteCount -= texts.removeValue(forKey: id)?.features?.byteCount ?? 0
    }
}

extension FeatureBlock {
    var byteCount: Int { values.count * 2 }

    /// The first rows, at most as many as there are.
    fileprivate func prefix(_ rows: Int) -> FeatureBlock {
        guard rows < count else { return self }
        return FeatureBlock(position: position, taps: taps, width: width, values: Array(values[..<(rows * rowLength)]))
    }
}
