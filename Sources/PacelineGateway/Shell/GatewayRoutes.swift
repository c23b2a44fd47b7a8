import Foundation
import HTTPTypes
import PacelineCluster
package import PacelineMetrics
package import PacelineServer

extension Gateway {
    /// What the gateway answers: everything that generates or tells of the model by a verifier, the rest itself.
    ///
    /// - Parameters:
    ///   - registry: what libraries record; follows the gateway's own figures.
    ///   - build: names the program on the dashboard.
    ///   - requiresKey: whether the dashboard is to ask for an API key.
    package func routes(registry: PrometheusRegistry, build: String, requiresKey: Bool) -> RouteTable {
        let dashboard = Dashboard(GatewayDashboard(self, build: build), page: .gateway, requiresKey: requiresKey)
        let probes = ProbeRoutes(checkReadiness: { [self] in try checkReadiness() })
        let figures = Route.metrics { [self] in try await GatewayFamilies(snapshot()).families + registry.families }
        return RouteTable(generating + asking + probes.routes + [figures] + dashboard.routes)
    }

    private var generating: [Route] {
        [
            "/v1/chat/completions", "/chat/completions", "/v1/completions", "/completions", "/v1/fim/completions",
        ].map { path in
            Route(.post, path) { [self] in try await respond(to: $0, generates: true) }
        }
            // Verifiers see chat, so that any of them can go on with these streams, too.
            + DialectRoutes.routes { [self] in
                try await respond(to: $0, generates: true)
            } counting: { [self] in
                try await respond(to: $0, generates: false)
            }
    }

    private var asking: [Route] {
        let posts = ["/v1/chat/completions/input_tokens", "/apply-template", "/tokenize", "/detokenize"]
        let gets = ["/v1/models", "/v1/models/**", "/props", "/slots", "/v1/workers"]
        return (posts.map { (HTTPRequest.Method.post, $0) } + gets.map { (.get, $0) }).map { method, path in
            Route(method, path) { [self] in try await respond(to: $0, generates: false) }
        }
    }
}

extension ProxiedCall {
    /// The call of a client.
    init(_ request: APIRequest, generates: Bool) {
        var headers = HTTPFields()
        for name in Self.passedOn { headers[name] = request.headers[name] }
        // Equal to the client's, or the one that the gateway gave it.
        headers[.xRequestID] = request.id
        headers[.traceparent] = request.trace.child(parentID: .random(in: 1 ... .max)).traceparent
        self.init(
            // A verifier need not leave out a body that nobody sees.
            method: request.method == .head ? .get : request.method,
            path: request.path + Self.query(request.query),
            headers: headers,
            body: request.body,
            generates: generates,
            // Below 2^53, so that clients that read JSON numbers as doubles get the same seed.
            drawnSeed: UInt64.random(in: 0..<(1 << 53))
        )
    }

    private static func query(_ fields: [String: String]) -> String {
        let allowed = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        let pairs = fields.sorted { $0.key < $1.key }.map { field in
            [field.key, field.value].map { $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? "" }
                .joined(separator: "=")
        }
        return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    }

    private static let passedOn: [HTTPField.Name] = [
        .authorization, .xAPIKey, .contentType, .accept, .userAgent, HTTPField.Name("tracestate")!,
    ]
}
