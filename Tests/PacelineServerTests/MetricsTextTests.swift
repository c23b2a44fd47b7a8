import Testing

@testable import PacelineServer

@Suite("Metrics as text")
struct MetricsTextTests {
    @Test("A figure has its help, its type and its value")
    func plain() {
        var metrics = MetricsText()
        metrics.add("num_requests_running", .gauge, "Running requests.", 3)
        #expect(
            metrics.text == """
                # HELP paceline_num_requests_running Running requests.
                # TYPE paceline_num_requests_running gauge
                paceline_num_requests_running 3

                """
        )
    }

    @Test("A labelled figure has one line for each value, and what breaks a line is escaped")
    func labelled() {
        var metrics = MetricsText()
        metrics.add("pass_seconds", .gauge, "Cost.", label: "rows", [("1", 0.0155), ("a\"b\\c\nd", 2)])
        #expect(
            metrics.text == #"""
                # HELP paceline_pass_seconds Cost.
                # TYPE paceline_pass_seconds gauge
                paceline_pass_seconds{rows="1"} 0.0155
                paceline_pass_seconds{rows="a\"b\\c\nd"} 2

                """#
        )
    }

    @Test("A figure without values is left out")
    func empty() {
        var metrics = MetricsText()
        metrics.add("pass_seconds", .gauge, "Cost.", label: "rows", [])
        #expect(metrics.text.isEmpty)
    }
}
