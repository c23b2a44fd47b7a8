import PacelineCluster

/// In JSON a reason is its name: `stop`, `length` or `cancelled`.
extension FinishReason: Codable {}
