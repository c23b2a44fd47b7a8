/// A client's hold on its request. Letting go of it cancels the request.
package final class RequestHandle: Sendable {
    package let id: RequestID
    /// The events, for one task to iterate over.
    package let events: RequestEvents
    private let onCancel: @Sendable (RequestID) -> Void

    init(id: RequestID, events: RequestEvents, onCancel: @escaping @Sendable (RequestID) -> Void) {
        self.id = id
        self.events = events
        self.onCancel = onCancel
    }

    deinit {
        onCancel(id)
    }

    /// Ends the request; its events end with `.finished` and the reason `cancelled`. Of no effect once it has ended.
    package func cancel() {
        onCancel(id)
    }
}
