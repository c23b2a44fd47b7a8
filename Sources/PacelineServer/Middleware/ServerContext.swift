import Hummingbird
import NIOCore
import PacelineCluster

/// What the parts of the server know of a request besides the request itself.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// The `x-request-id` of request and answer.
    var requestID = ""
    /// The trace that the request belongs to: that of its `traceparent`, or a new one.
    var trace = TraceContext.random()
    /// Whose key the request has.
    var tenant = Tenant.anonymous
    /// What the access log learns from the endpoint.
    let tally = RequestTally()

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}
