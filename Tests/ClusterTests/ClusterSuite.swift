import Testing

/// Tests that start processes. They run one after the other, so that two cores suffice.
@Suite("Real processes", .serialized)
enum ClusterSuite {}
