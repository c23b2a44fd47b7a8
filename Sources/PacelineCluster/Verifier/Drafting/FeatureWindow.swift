import PacelineSpeculation

/// The latest features of a sequence, for workers that read some and may come at any time.
///
/// A head that is told of no earlier ones drafts a little worse, so not all of a long sequence are kept.
struct FeatureWindow: Sendable {
    /// Rows that are worth keeping.
    private static let rowLimit = 512
    /// Bytes of rows that are kept at most.
    private static let byteLimit = 2 << 20

    private var block: FeatureBlock?

    var isEmpty: Bool { block == nil }

    /// Takes rows, which follow those before them unless something between them was not computed.
    mutating func append(_ new: FeatureBlock) {
        guard new.count > 0 else { return }
        // Looked at in its place: a second owner would have all of it copied when it grows.
        let isFollowed = block.map { $0.end == new.position && $0.taps == new.taps && $0.width == new.width }
        guard isFollowed == true else {
            block = new
            return
        }
        block?.append(new)
        let bytes = new.rowLength * MemoryLayout<Float16>.size
        let limit = max(1, min(Self.rowLimit, Self.byteLimit / bytes))
        // Twice as many may stand there, so that not every round moves all of them.
        if let count = block?.count, count > 2 * limit { block = block?.suffix(from: new.end - limit) }
    }

    /// The rows from a position on; nil if there are none, or not of these taps.
    func rows(from position: Int, taps: [FeatureTap]) -> FeatureBlock? {
        guard let block, position < block.end else { return nil }
        return block.suffix(from: position).selecting(taps)
    }
}
