import Foundation
package import HTTPTypes

/// A method and path that a server answers, and how.
package struct Route: Sendable {
    /// Answers one request; it is cancelled when the client goes away.
    package typealias Handler = @Sendable (APIRequest) async throws -> APIReply

    let method: HTTPRequest.Method
    let path: String
    /// Whether monitoring asks for it all the time; such requests need no key, no slot and no line in the log.
    let isProbe: Bool
    /// Headers of all its answers that are no errors.
    let headers: @Sendable () -> HTTPFields
    let handler: Handler

    /// - Parameters:
    ///   - path: what it answers; `**` at the end stands for anything that is not empty.
    ///   - headers: of all its answers that are no errors.
    package init(
        _ method: HTTPRequest.Method,
        _ path: String,
        isProbe: Bool = false,
        headers: @escaping @Sendable () -> HTTPFields = { [:] },
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.path = path
        self.isProbe = isProbe
        self.headers = headers
        self.handler = handler
    }

    /// The methods that the path takes because of this route; `GET` answers `HEAD` too.
    var methods: [HTTPRequest.Method] { method == .get ? [.get, .head] : [method] }

    /// The part of `path` that the route leaves open: everything in the place of `**`; nil if it is another route's.
    func name(in path: String) -> String? {
        guard self.path.hasSuffix("**"), path.hasPrefix(self.path.dropLast(2)) else { return nil }
        let name = path.dropFirst(self.path.count - 2)
        return name.isEmpty ? nil : String(name).removingPercentEncoding
    }
}

/// Everything that a server answers.
package struct RouteTable: Sendable {
    let routes: [Route]
    private let probes: Set<String>

    package init(_ routes: [Route]) {
        self.routes = routes
        probes = Set(routes.filter(\.isProbe).map(\.path))
    }

    /// Whether monitoring asks for `path` all the time.
    func isProbe(_ path: String) -> Bool { probes.contains(path) }

    /// The route of a request.
    ///
    /// - Throws: ``APIError`` 404 for an unknown path, 405 for another method of a known one.
    func matching(_ method: HTTPRequest.Method, _ path: String) throws(APIError) -> Route {
        let found = routes.filter { $0.path == path || $0.name(in: path) != nil }
        if let route = found.first(where: { $0.methods.contains(method) }) { return route }
        guard !found.isEmpty else {
            let known = routes.map(\.path).joined(separator: ", ")
            throw .notFound("there is nothing at \(path.prefix(80)); see \(known)")
        }
        let allowed = found.flatMap(\.methods).map(\.rawValue).joined(separator: ", ")
        throw .methodNotAllowed("\(path.prefix(80)) takes \(allowed), not \(method.rawValue)", allow: allowed)
    }
}
