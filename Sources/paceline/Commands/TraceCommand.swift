import ArgumentParser
import NIOCore
import PacelineCluster
import PacelineServer

/// `paceline trace`: what happened to one request, round by round.
struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Show the rounds of a request: what was drafted, verified and accepted, and how long each part took.",
        discussion: """
            A request is named by the x-request-id that its answer had, or by the id in its answer; without a name, \
            those that can be traced are listed.

              paceline trace
              paceline trace chatcmpl-2kq8f1z5v0c1e
              paceline trace req-1f9v0w3q7k --url 10.0.0.5:8080 --json

            A verifier remembers the requests that run and the latest that ended (verifier --trace-requests). With \
            API keys, a key sees its own requests.
            """
    )

    @Argument(help: ArgumentHelp("The request's x-request-id, or its answer's id.", valueName: "request"))
    var request: String?

    @Option(help: ArgumentHelp("Where the verifier serves clients.", valueName: "host:port"))
    var url = Endpoint(host: "127.0.0.1", port: 8080)

    @OptionGroup var apiKey: APIKeyOption

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() async throws {
        let client = ServerClient(address: url, apiKey: apiKey.key)
        if let request {
            let (bytes, body) = try await client.trace(request)
            try StandardOutput.write(json ? String(buffer: bytes) + "\n" : TraceReport(body).text)
        } else {
            let (bytes, body) = try await client.requests()
            try StandardOutput.write(json ? String(buffer: bytes) + "\n" : TraceReport.text(of: body))
        }
    }
}
