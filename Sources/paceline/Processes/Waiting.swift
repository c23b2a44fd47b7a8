/// Suspends until the task is cancelled.
func waitForCancellation() async {
    let (never, source) = AsyncStream.makeStream(of: Never.self)
    for await _ in never {}
    source.finish()
}
