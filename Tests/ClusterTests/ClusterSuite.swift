import Testing

/// Tests that start processes: one after the other, so that two cores can carry them.
@Suite("Real processes", .serialized)
enum ClusterSuite {}
