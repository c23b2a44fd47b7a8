import Foundation
import HTTPTypes
import NIOCore
import PacelineCluster
import PacelineMetrics
package import PacelineServer

/// Toxiproxy's HTTP API: its paths, methods, fields, statuses and errors.
package struct ChaosAPI: Sendable {
    /// The version of Toxiproxy whose API this is.
    private static let apiVersion = "2.12.0"

    private let registry: ProxyRegistry
    private let version: String

    /// - Parameter version: of this program.
    package init(_ registry: ProxyRegistry, version: String) {
        self.registry = registry
        self.version = version
    }

    /// Everything that the API answers: all paths lead to ``respond(to:)``, which has Toxiproxy's words for errors.
    package var routes: RouteTable {
        let methods: [HTTPRequest.Method] = [.get, .post, .patch, .put, .delete]
        return RouteTable(
            ["/", "/**"].flatMap { path in
                methods.map { method in Route(method, path) { [self] in await respond(to: $0) } }
            }
        )
    }

    /// The answer to a request that did not come as far as ``respond(to:)``, such as one with too long a body.
    package static func reply(to error: APIError) -> APIReply {
        ChaosError(status: error.status.code, message: error.message).reply
    }

    /// Answers one request, errors included.
    package func respond(to request: APIRequest) async -> APIReply {
        do {
            // A web page could otherwise have the browser of somebody who tests here change proxies.
            guard request.headers[.userAgent]?.hasPrefix("Mozilla/") != true else { throw ChaosError.browser }
            return try await answer(request)
        } catch let error as ChaosError {
            return error.reply
        } catch {
            return ChaosError.internalError(error).reply
        }
    }

    private func answer(_ request: APIRequest) async throws -> APIReply {
        let parts = request.path.split(separator: "/").map { String($0).removingPercentEncoding ?? String($0) }
        switch parts.first {
        case "proxies" where parts.count == 1: return try await proxies(request)
        case "proxies" where parts.count == 2: return try await proxy(parts[1], request)
        case "proxies" where parts.count == 3 && parts[2] == "toxics": return try await toxics(parts[1], request)
        case "proxies" where parts.count == 4 && parts[2] == "toxics":
            return try await toxic(parts[3], of: parts[1], request)
        case "populate" where parts.count == 1: return try await populate(request)
        case "reset" where parts.count == 1:
            try allow([.post], request)
            try await registry.reset()
            return Self.nothing
        case "version" where parts.count == 1:
            try allow([.get], request)
            let body: JSONValue = ["version": .string("\(Self.apiVersion)+paceline.\(version)")]
            return .whole(body.bytes, contentType: "application/json;charset=utf-8")
        case "metrics" where parts.count == 1: return try await metrics(request)
        default: throw ChaosError.notFound(request.path)
        }
    }

    // MARK: Proxies

    private func proxies(_ request: APIRequest) async throws -> APIReply {
        try allow([.get, .post], request)
        if request.method == .get {
            let all = await registry.records.map { (name: $0.name, value: ProxyBody($0).json) }
            return .whole(JSONValue.object(all).bytes)
        }
        let created = try await registry.create(try ChaosInput.object(request.body).proxy())
        return .whole(ProxyBody(created).json.bytes, status: .created)
    }

    private func proxy(_ name: String, _ request: APIRequest) async throws -> APIReply {
        try allow([.get, .post, .patch, .delete], request)
        switch request.method {
        case .get: return .whole(ProxyBody(try await registry.record(name)).json.bytes)
        case .delete:
            try await registry.delete(name)
            return Self.nothing
        default:
            // An unknown proxy is told before what is wrong with the body.
            _ = try await registry.record(name)
            let body = request.body
            let changed = try await registry.update(name) { proxy throws(ChaosError) in
                try ChaosInput.object(body).changed(proxy)
            }
            return .whole(ProxyBody(changed).json.bytes)
        }
    }

    private func populate(_ request: APIRequest) async throws -> APIReply {
        try allow([.post], request)
        var proxies: [ProxyRecord] = []
        for input in try ChaosInput.objects(request.body) { proxies.append(try input.proxy()) }
        let (done, failure) = await registry.populate(proxies)
        let list = JSONValue.array(done.map { ProxyBody($0).json })
        guard let failure else { return .whole(JSONValue.object([("proxies", list)]).bytes, status: .created) }
        let body: JSONValue = [
            "error": .string(failure.message), "status": .int(failure.status), "proxies": list,
        ]
        return .whole(body.bytes, status: HTTPResponse.Status(code: failure.status))
    }

    // MARK: Toxics

    private func toxics(_ name: String, _ request: APIRequest) async throws -> APIReply {
        try allow([.get, .post], request)
        let proxy = try await registry.record(name)
        guard request.method == .post else {
            return .whole(JSONValue.array(proxy.toxics.map { ToxicBody($0).json }).bytes)
        }
        let toxic = try ChaosInput.object(request.body).toxic()
        try await registry.add(toxic, to: name)
        return .whole(ToxicBody(toxic).json.bytes)
    }

    private func toxic(_ toxic: String, of name: String, _ request: APIRequest) async throws -> APIReply {
        try allow([.get, .post, .patch, .delete], request)
        let found = try await registry.record(name).toxic(toxic)
        switch request.method {
        case .get: return .whole(ToxicBody(found).json.bytes)
        case .delete:
            try await registry.remove(toxic, from: name)
            return Self.nothing
        default:
            let body = request.body
            let changed = try await registry.update(toxic, of: name) { toxic throws(ChaosError) in
                try ChaosInput.object(body).changed(toxic)
            }
            return .whole(ToxicBody(changed).json.bytes)
        }
    }

    // MARK: The rest

    private func metrics(_ request: APIRequest) async throws -> APIReply {
        try allow([.get], request)
        let format = Exposition.Format(accept: request.headers[.accept])
        let families = ProxyFamilies.families(of: try await registry.statistics())
        return .whole(
            Array(Exposition.text(of: families, format: format).utf8),
            contentType: format.contentType
        )
    }

    private func allow(_ methods: [HTTPRequest.Method], _ request: APIRequest) throws(ChaosError) {
        guard !methods.contains(request.method) else { return }
        let allowed = methods.map(\.rawValue).joined(separator: ", ")
        throw .methodNotAllowed(request.method.rawValue, request.path, allowed: allowed)
    }

    private static let nothing = APIReply.whole([], status: .noContent)
}
