package import PacelineSpeculation

extension Message {
    /// Verifier to worker: what the target computed when it read some tokens of the sequence, before the verdict that
    /// brings the tokens behind them. Any row may be missing, and may come twice.
    package struct Features: Sendable, Equatable {
        package var request: UInt64
        /// At least one row. Its taps are those of the worker's demand; on the wire there is only their count.
        package var block: FeatureBlock
        /// How the numbers travel: as the worker's demand says.
        package var format: FeatureDemand.Format

        package init(request: UInt64, block: FeatureBlock, format: FeatureDemand.Format) {
            (self.request, self.block, self.format) = (request, block, format)
        }
    }
}

extension Message.Features {
    /// Bytes of a message besides its rows, at most.
    private static let overhead = 64

    /// How many rows of a block fit one message; at least 1, even if that is too large.
    package static func rowLimit(of block: FeatureBlock, format: FeatureDemand.Format, framePayload: Int) -> Int {
        let row = format.rowBytes(taps: block.taps.count, width: block.width)
        return max(1, (framePayload - overhead) / row)
    }

    /// A block in as few messages as can carry it; in none if not even one row fits a message.
    package static func parts(
        of block: FeatureBlock,
        request: UInt64,
        format: FeatureDemand.Format,
        framePayload: Int
    ) -> [Message.Features] {
        let row = format.rowBytes(taps: block.taps.count, width: block.width)
        guard overhead + row <= framePayload else { return [] }
        let limit = rowLimit(of: block, format: format, framePayload: framePayload)
        guard block.count > limit else {
            return block.count == 0 ? [] : [Message.Features(request: request, block: block, format: format)]
        }
        return stride(from: block.position, to: block.end, by: limit).map { start in
            let numbers = (start - block.position) * block.rowLength
            let end = min(numbers + limit * block.rowLength, block.values.count)
            let part = FeatureBlock(
                position: start,
                taps: block.taps,
                width: block.width,
                values: Array(block.values[numbers..<end])
            )
            return Message.Features(request: request, block: part, format: format)
        }
    }
}

extension FeatureDemand.Format {
    /// Bytes of one row of features.
    package func rowBytes(taps: Int, width: Int) -> Int {
        switch self {
        case .float16: taps * width * MemoryLayout<Float16>.size
        case .eightBit: taps * (MemoryLayout<Float>.size + width)
        }
    }
}
