import PacelineCluster

/// In JSON a reason is its word: `stop`, `length` or `cancelled`.
extension FinishReason: Codable {}
