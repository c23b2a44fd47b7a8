import HTTPTypes
import PacelineServer

/// Why the API refuses a request: Toxiproxy's status and words, and behind them what was expected and what came.
package struct ChaosError: Error, Hashable, Sendable, CustomStringConvertible {
    package let status: Int
    package let message: String

    package var description: String { message }

    static func badRequest(_ reason: String) -> ChaosError {
        ChaosError(status: 400, message: "bad request body: \(reason)")
    }

    /// - Parameter place: of the object that lacks the field.
    static func missingField(_ field: String, _ expected: String, _ place: JSONPlace) -> ChaosError {
        ChaosError(status: 400, message: "missing required field: \(field) must be \(expected), \(place)")
    }

    static func invalidStream(_ stream: String, _ place: JSONPlace) -> ChaosError {
        let reason = "stream was invalid, can be either upstream or downstream: \"\(stream.prefix(40))\" is neither"
        return ChaosError(status: 400, message: "\(reason), \(place)")
    }

    static func invalidType(_ type: String, _ place: JSONPlace) -> ChaosError {
        let known = ToxicType.allCases.map(\.rawValue).joined(separator: ", ")
        return ChaosError(
            status: 400,
            message: "invalid toxic type: \"\(type.prefix(40))\" is none of \(known), \(place)"
        )
    }

    static func proxyNotFound(_ name: String, known: [String]) -> ChaosError {
        let others = known.isEmpty ? "there is none" : "there are \(known.prefix(20).joined(separator: ", "))"
        return ChaosError(status: 404, message: "proxy not found: \"\(name.prefix(80))\"; \(others)")
    }

    static func proxyExists(_ name: String) -> ChaosError {
        ChaosError(
            status: 409,
            message: "proxy already exists: \"\(name.prefix(80))\"; choose another name, or delete it first"
        )
    }

    static func toxicNotFound(_ name: String, in proxy: ProxyRecord) -> ChaosError {
        let known = proxy.toxics.map(\.name)
        let others = known.isEmpty ? "has no toxic" : "has \(known.prefix(20).joined(separator: ", "))"
        return ChaosError(
            status: 404,
            message: "toxic not found: \"\(name.prefix(80))\"; \(proxy.name.prefix(80)) \(others)"
        )
    }

    static func toxicExists(_ name: String, in proxy: ProxyRecord) -> ChaosError {
        ChaosError(
            status: 409,
            message: "toxic already exists: \(proxy.name.prefix(80)) has a toxic \"\(name.prefix(80))\"; "
                + "choose another name, or update it"
        )
    }

    static func remote(_ address: String) -> ChaosError {
        ChaosError(
            status: 403,
            message: "\(address) can be reached by other machines, and through it an upstream that may rely on being "
                + "local; listen on 127.0.0.1, or start what listens with --allow-remote"
        )
    }

    static let browser = ChaosError(
        status: 403,
        message: "User agent not allowed: browsers (Mozilla/…) may not use this API, so that no web page can"
    )

    static func notFound(_ path: String) -> ChaosError {
        ChaosError(
            status: 404,
            message: "there is nothing at \(path.prefix(80)); see /proxies, /proxies/NAME, /proxies/NAME/toxics, "
                + "/proxies/NAME/toxics/TOXIC, /populate, /reset, /version and /metrics"
        )
    }

    static func methodNotAllowed(_ method: String, _ path: String, allowed: String) -> ChaosError {
        ChaosError(status: 405, message: "\(path.prefix(80)) takes \(allowed), not \(method)")
    }

    /// A failure of the server itself.
    static func internalError(_ error: any Error) -> ChaosError {
        ChaosError(status: 500, message: "\(error)")
    }

    /// The answer that tells it.
    var reply: APIReply {
        let body: JSONValue = ["error": .string(message), "status": .int(status)]
        return .whole(body.bytes, status: HTTPResponse.Status(code: status))
    }
}
